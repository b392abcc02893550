"""IAM's grammar of policy documents, for those that people bring.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import cast

from spawn.permissions.conditions import read_conditions
from spawn.permissions.documents import VERSION, size_of
from spawn.permissions.grammar_values import FIELD, Json, texts, wrong
from spawn.permissions.limits import INLINE_LIMIT, too_large
from spawn.permissions.statements import ALLOW, DENY, Statement

_LARGEST = 8 * INLINE_LIMIT
"""Characters that are looked at: white space is not counted, and not endless."""

_ACTION = re.compile(r"\*|[A-Za-z0-9-]{1,64}:[A-Za-z0-9*?]{1,128}")
_RESOURCE = re.compile(
    r"\*|arn:(?:aws(?:-[a-z]+)*|\*):[a-z0-9-]+:[A-Za-z0-9*?-]*:(?:[0-9*?]*|aws):[\x20-\xff]+"
)
_SID = re.compile(r"[A-Za-z0-9]*")
_ELEMENTS = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip


def read_document(text: str) -> tuple[Statement, ...]:
    """Read the statements of a policy document, in order.

    Raises `Rejected` naming the element that IAM would not take, and what is right.
    """
    if len(text) > _LARGEST or size_of(text) > INLINE_LIMIT:
        raise too_large(size_of(text), field=FIELD)
    policy = _object(_loads(text), "the policy")
    for name in policy.keys() - {"Version", "Id", "Statement"}:
        raise wrong(name, "a policy has Version, Statement and, at most, Id")
    if policy.get("Version") != VERSION:
        raise wrong("Version", f'write "Version": "{VERSION}"', policy.get("Version"))
    if not isinstance(policy.get("Id", ""), str):
        raise wrong("Id", "write a text", policy["Id"])
    found = policy.get("Statement")
    listed = cast("list[object]", found) if isinstance(found, list) else [found]
    if not listed or found is None:
        raise wrong("Statement", "write at least one statement")
    _check_sids(listed)
    return tuple(_statement(each, f"Statement[{index}]") for index, each in enumerate(listed))


def _statement(value: object, where: str) -> Statement:
    given = _object(value, where)
    _check_elements(given, where)
    other_actions, actions = _one_of(given, "Action", where)
    other_resources, resources = _one_of(given, "Resource", where)
    return Statement(
        effect=_effect(given, where),
        actions=tuple(sorted(_actions(actions, where))),
        resources=tuple(sorted(_resources(resources, where))),
        conditions=tuple(sorted(read_conditions(given.get("Condition", {}), where))),
        other_actions=other_actions,
        other_resources=other_resources,
    )


def _check_elements(given: Json, where: str) -> None:
    for name in ("Principal", "NotPrincipal"):
        if name in given:
            raise wrong(f"{where}.{name}", "leave it out: a role's own policy has none")
    for name in given.keys() - _ELEMENTS:
        raise wrong(f"{where}.{name}", f"a statement has {', '.join(sorted(_ELEMENTS))}")


def _effect(given: Json, where: str) -> str:
    effect = given.get("Effect")
    if effect not in (ALLOW, DENY):
        raise wrong(f"{where}.Effect", f"write {ALLOW} or {DENY}", effect)
    return str(effect)


def _one_of(given: Json, name: str, where: str) -> tuple[bool, list[str]]:
    """Return whether the element is the negated one, and its values."""
    found = [each for each in (name, f"Not{name}") if each in given]
    if len(found) != 1:
        raise wrong(where, f"write {name} or Not{name}, one of them")
    return found[0] != name, texts(given[found[0]], f"{where}.{found[0]}")


def _actions(actions: Iterable[str], where: str) -> Iterator[str]:
    for each in actions:
        if not _ACTION.fullmatch(each):
            raise wrong(f"{where}.Action", "write it like s3:GetObject, s3:Get* or *", each)
        service, colon, action = each.partition(":")
        yield f"{service.lower()}{colon}{action}"


def _resources(resources: Iterable[str], where: str) -> Iterator[str]:
    for each in resources:
        if not _RESOURCE.fullmatch(each):
            expected = "write an ARN with its six parts, such as arn:aws:s3:::BUCKET/KEY, or *"
            raise wrong(f"{where}.Resource", expected, each)
        yield each


def _check_sids(statements: Iterable[object]) -> None:
    seen: set[str] = set()
    for index, each in enumerate(statements):
        sid = cast("Json", each).get("Sid", "") if isinstance(each, dict) else ""
        where = f"Statement[{index}].Sid"
        if not isinstance(sid, str) or not _SID.fullmatch(sid):
            raise wrong(where, "use letters and digits", sid)
        if sid and sid in seen:
            raise wrong(where, "use each Sid once", sid)
        seen.add(sid)


def _object(value: object, where: str) -> Json:
    if not isinstance(value, dict):
        raise wrong(where, "write a JSON object", value)
    return cast("Json", value)


def _loads(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise wrong(where, f"it is not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise wrong("the policy", "it is not JSON that can be read") from error


def _once(pairs: list[tuple[str, object]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise wrong(twice, "write each element once")
    return found
