import copy
from typing import Any

import pytest

from scripts.pages.compatibility import breaking_changes
from scripts.pages.contracts import documents


def before() -> dict[str, Any]:
    return copy.deepcopy(documents()["array.ready.v1"])


def remove(schema: dict[str, Any]) -> None:
    del schema["properties"]["seconds"]


def rename(schema: dict[str, Any]) -> None:
    schema["properties"]["duration"] = schema["properties"].pop("seconds")


def retype(schema: dict[str, Any]) -> None:
    schema["properties"]["seconds"] = {"type": "string"}


def retype_inside(schema: dict[str, Any]) -> None:
    schema["$defs"]["Pool"]["properties"]["zone"] = {"type": "integer"}


def retype_values(schema: dict[str, Any]) -> None:
    schema["properties"]["api_calls"]["additionalProperties"] = {"type": "string"}


def retype_items(schema: dict[str, Any]) -> None:
    schema["properties"]["refusals"]["items"] = {"type": "string"}


def drop_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["Market"]["enum"].remove("spot")


def require(schema: dict[str, Any]) -> None:
    schema["required"].append("refusals")


def close(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = False


def add_optional(schema: dict[str, Any]) -> None:
    schema["properties"]["note"] = {"type": "string", "default": ""}


def add_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["Market"]["enum"].append("reserved")


def reword(schema: dict[str, Any]) -> None:
    schema["description"] = "Said otherwise."


@pytest.mark.parametrize(
    "change",
    [
        remove,
        rename,
        retype,
        retype_inside,
        retype_values,
        retype_items,
        drop_value,
        require,
        close,
    ],
)
def test_a_change_that_breaks_readers_is_named(change: Any) -> None:
    after = before()
    change(after)
    assert breaking_changes(before(), after)


@pytest.mark.parametrize("change", [add_optional, add_value, reword])
def test_a_change_that_readers_survive_is_allowed(change: Any) -> None:
    after = before()
    change(after)
    assert breaking_changes(before(), after) == []


def test_a_lost_alternative_is_named() -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert breaking_changes(nullable, {"anyOf": [{"type": "string"}]})
    assert breaking_changes({"anyOf": [{"type": "string"}]}, nullable) == []
