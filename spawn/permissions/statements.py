"""Statements of a policy in canonical form: sorted, merged, each thing said once."""

from collections.abc import Collection, Iterable
from itertools import permutations

import msgspec

from spawn.permissions.patterns import covers, covers_action, is_wild

ALLOW, DENY = "Allow", "Deny"

_MERGEABLE = ("StringEquals", "StringLike", "ForAnyValue:StringLike")
"""Operators that hold when any of the values fits: two conditions of one key can be one."""


class Condition(msgspec.Struct, frozen=True, order=True):
    """A condition: an operator, a key and the values it is compared to."""

    operator: str
    key: str
    values: tuple[str, ...]


class Statement(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """What is allowed, or denied: actions on resources, when all conditions hold.

    With `others` it is about all actions, or resources, but these.
    """

    effect: str = ALLOW
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    other_actions: bool = False
    other_resources: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it names what it is about, rather than what it is not."""
        return not (self.other_actions or self.other_resources)


def canonical(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements that say the same, whatever order and repetition they came in."""
    given = set(statements)
    plain = _by_resource(each for each in given if each.is_plain)
    merged = _by_condition(_by_actions(plain))
    others = [_sorted(each) for each in given if not each.is_plain]
    return tuple(sorted({*merged, *others}))


_Target = tuple[str, str, tuple[Condition, ...]]
"""Effect, resource, conditions."""


def _by_resource(statements: Iterable[Statement]) -> dict[_Target, frozenset[str]]:
    """Return the actions on each resource, without those that a wider statement says anyway."""
    found: dict[_Target, set[str]] = {}
    for each in statements:
        for resource in each.resources:
            target = each.effect, resource, tuple(sorted(each.conditions))
            found.setdefault(target, set()).update(each.actions)
    actions = {target: _widest(each, action=True) for target, each in found.items()}
    for wide, narrow in permutations(sorted(actions), 2):
        if _includes(wide, narrow):
            actions[narrow] -= _said_by(actions[wide], actions[narrow])
    return {target: frozenset(each) for target, each in actions.items() if each}


def _includes(wide: _Target, narrow: _Target) -> bool:
    (effect, resource, conditions), (other_effect, other_resource, other_conditions) = wide, narrow
    return (
        effect == other_effect
        and conditions in ((), other_conditions)
        and covers(resource, other_resource)
        # Of two that say the same the first stays.
        and (
            wide < narrow
            or not (conditions == other_conditions and covers(other_resource, resource))
        )
    )


def _said_by(wide: Collection[str], narrow: Collection[str]) -> set[str]:
    wild = [each for each in wide if is_wild(each)]
    return {
        each
        for each in narrow
        if each in wide or any(covers_action(pattern, each) for pattern in wild)
    }


def _by_actions(actions: dict[_Target, frozenset[str]]) -> list[Statement]:
    """Join the resources on which the same is allowed."""
    found: dict[tuple[str, frozenset[str], tuple[Condition, ...]], set[str]] = {}
    for (effect, resource, conditions), each in actions.items():
        found.setdefault((effect, each, conditions), set()).add(resource)
    return [
        Statement(
            effect=effect,
            actions=tuple(sorted(each)),
            resources=tuple(sorted(_widest(resources, action=False))),
            conditions=conditions,
        )
        for (effect, each, conditions), resources in found.items()
    ]


def _by_condition(statements: Iterable[Statement]) -> set[Statement]:
    """Join the values of statements that differ in those alone."""
    found: dict[Statement, set[str]] = {}
    kept: set[Statement] = set()
    for each in statements:
        if len(each.conditions) == 1 and each.conditions[0].operator in _MERGEABLE:
            only = each.conditions[0]
            bare = msgspec.structs.replace(only, values=())
            alike = msgspec.structs.replace(each, conditions=(bare,))
            found.setdefault(alike, set()).update(only.values)
        else:
            kept.add(each)
    for alike, values in found.items():
        only = msgspec.structs.replace(alike.conditions[0], values=tuple(sorted(values)))
        kept.add(msgspec.structs.replace(alike, conditions=(only,)))
    return kept


def _widest(texts: Collection[str], *, action: bool) -> set[str]:
    """Leave out what another of the texts covers."""
    fits = covers_action if action else covers
    wild = [each for each in texts if is_wild(each)]
    return {
        each
        for each in texts
        if not any(
            other != each and fits(other, each) and (other < each or not fits(each, other))
            for other in wild
        )
    }


def _sorted(statement: Statement) -> Statement:
    return msgspec.structs.replace(
        statement,
        actions=tuple(sorted(set(statement.actions))),
        resources=tuple(sorted(set(statement.resources))),
        conditions=tuple(sorted(set(statement.conditions))),
    )
