"""No dead letter keeps a secret, however wrong the message was that held it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.bus.redaction import redacted
from spawn.contracts.launches import TEXTS, Launch, LaunchSpec

SECRET = "hunter2"
SPEC = LaunchSpec(name="web", count=8, command=SECRET, user_data=SECRET, environment={"T": SECRET})


def shown(body: Any) -> Any:
    return json.loads(redacted(json.dumps(body).encode()))


def test_what_a_launch_asks_for_is_kept_and_what_it_runs_is_not() -> None:
    kept = json.loads(redacted(msgspec.json.encode(Launch(request_id="r1", spec=SPEC))))
    assert kept["request_id"] == "r1"
    assert (kept["spec"]["name"], kept["spec"]["count"]) == ("web", 8)
    assert (kept["spec"]["command"], kept["spec"]["user_data"]) == ("<7 bytes>", "<7 bytes>")
    assert kept["spec"]["environment"] == {"T": "<7 bytes>"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"spec": {"comand": SECRET}}, id="a field that is misspelt"),
        pytest.param({"spec": {"environment": {"name": SECRET}}}, id="a variable called name"),
        pytest.param({"spec": {"command": ["x", {"name": SECRET}]}}, id="of another type"),
        pytest.param({"Spec": {"command": SECRET}}, id="in a place that there is not"),
        pytest.param({"tail": SECRET, "reason": SECRET, "exit_code": 3}, id="output of a job"),
    ],
)
def test_what_may_be_secret_is_not_kept_wherever_it_stands(body: Any) -> None:
    assert SECRET not in json.dumps(shown(body))


def test_a_number_among_secrets_is_masked_too() -> None:
    assert shown({"spec": {"environment": {"PIN": 1234}}}) == {
        "spec": {"environment": {"PIN": "<int>"}}
    }


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"export TOKEN=hunter2", b"[" * 20_000],
    ids=["empty", "bytes", "text", "deep"],
)
def test_nothing_is_kept_of_what_is_no_json(body: bytes) -> None:
    assert redacted(body) == b""


values = st.recursive(
    st.text() | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(("name", "count", "x")), inner)
    ),
)


@given(st.sampled_from(TEXTS), values)
def test_no_value_of_a_text_is_kept(field: str, value: Any) -> None:
    masked = json.dumps(shown({"spec": {field: ["~secret~", value]}}))
    assert "~secret~" not in masked
