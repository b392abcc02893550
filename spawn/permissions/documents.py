"""Statements as the JSON that IAM takes: minified, in one order."""

import json
from collections.abc import Iterable, Sequence

from spawn.permissions.statements import Condition, Statement

VERSION = "2012-10-17"
"""The version of IAM's policy language
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html)."""

Json = dict[str, object]


def document(statements: Iterable[Statement]) -> str:
    """Write statements as a policy document; without any it is empty."""
    written = [as_json(each) for each in statements]
    return minified({"Statement": written, "Version": VERSION}) if written else ""


def as_json(statement: Statement) -> Json:
    """Write one statement as IAM's element of that name."""
    actions = "NotAction" if statement.other_actions else "Action"
    resources = "NotResource" if statement.other_resources else "Resource"
    written: Json = {
        "Effect": statement.effect,
        actions: _one_or_many(statement.actions),
        resources: _one_or_many(statement.resources),
    }
    if statement.conditions:
        written["Condition"] = _conditions(statement.conditions)
    return written


def minified(value: object) -> str:
    """Write JSON without white space, keys sorted: the same value is the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def size_of(text: str) -> int:
    """Count characters as IAM does: without white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len("".join(text.split()))


def _conditions(conditions: Sequence[Condition]) -> Json:
    written: dict[str, Json] = {}
    for each in conditions:
        written.setdefault(each.operator, {})[each.key] = _one_or_many(each.values)
    return dict(written)


def _one_or_many(values: Sequence[str]) -> object:
    return values[0] if len(values) == 1 else list(values)
