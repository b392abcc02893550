"""Policies, read from JSON into values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from functools import lru_cache
from typing import Any, cast

import msgspec

from sandbox.errors import AwsError

_WITH_VARIABLES = "2012-10-17"


class Element(msgspec.Struct, frozen=True):
    """Action or Resource of a statement; `negated` is NotAction or NotResource."""

    patterns: tuple[str, ...]
    negated: bool = False


class Condition(msgspec.Struct, frozen=True):
    """One key of a Condition block: its operator, its name in lower case, what is wanted."""

    operator: str
    key: str
    values: tuple[str, ...]


class Principal(msgspec.Struct, frozen=True):
    """Whom a trust policy speaks of: `AWS`, `Service`, `Federated` or `*`, and who."""

    kind: str
    value: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement. `resource` is None in a trust policy: the role itself is meant."""

    sid: str = ""
    allows: bool
    action: Element
    resource: Element | None = None
    conditions: tuple[Condition, ...] = ()
    principals: tuple[Principal, ...] = ()
    has_variables: bool = True


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy document, by the name or ARN under which it is kept."""

    name: str
    statements: tuple[Statement, ...]


@lru_cache(maxsize=1024)
def parse_policy(text: str, name: str = "") -> Policy:
    """Read a document. Raises `AwsError` MalformedPolicyDocument naming what is wrong."""
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
        has_variables = document.get("Version") == _WITH_VARIABLES
        listed = _listed(document["Statement"])
        statements = tuple(_statement(each, has_variables=has_variables) for each in listed)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise AwsError("MalformedPolicyDocument", f"Policy {name}: {error!r}") from error
    return Policy(name=name, statements=statements)


def _statement(given: dict[str, Any], *, has_variables: bool) -> Statement:
    if given["Effect"] not in {"Allow", "Deny"}:
        raise ValueError(f"Effect {given['Effect']!r}")
    action = _element(given, "Action")
    if action is None:
        raise ValueError("a statement without Action")
    return Statement(
        sid=given.get("Sid", ""),
        allows=given["Effect"] == "Allow",
        action=action,
        resource=_element(given, "Resource"),
        conditions=_conditions(given.get("Condition", {})),
        principals=_principals(given.get("Principal", {})),
        has_variables=has_variables,
    )


def _element(given: dict[str, Any], name: str) -> Element | None:
    for key in (name, f"Not{name}"):
        if key in given:
            return Element(_strings(given[key]), negated=key != name)
    return None


def _conditions(given: dict[str, dict[str, Any]]) -> tuple[Condition, ...]:
    return tuple(
        Condition(operator, key.lower(), _strings(values))
        for operator, block in given.items()
        for key, values in block.items()
    )


def _principals(given: Any) -> tuple[Principal, ...]:
    if given == "*":
        return (Principal("*", "*"),)
    return tuple(
        Principal(kind, value) for kind, values in given.items() for value in _strings(values)
    )


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(_string(each) for each in _listed(value))


def _string(value: Any) -> str:
    """Return a value as text: conditions may have numbers and booleans."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            raise ValueError(f"{value!r} is neither text nor a number")
