"""The most that a deployment grants: `SPAWN_IAM_CEILING`, items of the language."""

from collections.abc import Iterable, Sequence
from itertools import product

from spawn.errors import Cause, Rejected
from spawn.permissions.expansion import expand
from spawn.permissions.items import parse
from spawn.permissions.managed import FIELD as MANAGED
from spawn.permissions.managed import managed_name
from spawn.permissions.patterns import covers, covers_action
from spawn.permissions.policies import Policy, Source
from spawn.permissions.realm import Realm
from spawn.permissions.statements import ALLOW, Condition, Statement

VARIABLE = "SPAWN_IAM_CEILING"

_ANYWHERE = Realm(partition="*", region="*", account="*")
"""A ceiling is about what may be done, in whatever region and account."""


def check_ceiling(ceiling: Sequence[str], policy: Policy) -> None:
    """Pass when a policy stays within a ceiling, or when there is none.

    Raises `Rejected` naming what goes above it, and the ceiling.
    """
    if not ceiling:
        return
    allowed = read_ceiling(ceiling)
    if policy.managed:
        raise _above(
            MANAGED,
            managed_name(policy.managed[0]),
            ceiling,
            "what AWS's policies allow changes, and can't be compared: ask for service:Level",
        )
    for source in policy.sources:
        excess = _excess(allowed, source)
        if excess:
            raise _above(source.field, source.name, ceiling, f"it allows {excess}")


def read_ceiling(ceiling: Iterable[str]) -> tuple[Statement, ...]:
    """Return what a ceiling allows; raise `Rejected` naming the variable for what it can't be."""
    try:
        return tuple(expand(parse(ceiling), _ANYWHERE))
    except Rejected as error:
        raise Rejected(f"{VARIABLE}: {error.message}", field=VARIABLE) from error


def _excess(allowed: Sequence[Statement], source: Source) -> str:
    """Return, in words, the first thing that is allowed and may not be; empty when all may."""
    for statement in source.statements:
        if statement.effect != ALLOW:
            continue
        if statement.other_actions:
            return "all actions but some"
        resources = ("*",) if statement.other_resources else statement.resources
        for action, resource in product(statement.actions, resources):
            if not any(_permits(each, statement, action, resource) for each in allowed):
                return f"{action} on {resource}"
    return ""


def _permits(allowed: Statement, wanted: Statement, action: str, resource: str) -> bool:
    return (
        any(covers_action(each, action) for each in allowed.actions)
        and any(covers(each, resource) for each in allowed.resources)
        and all(_implied(each, wanted.conditions) for each in allowed.conditions)
    )


def _implied(limit: Condition, wanted: Iterable[Condition]) -> bool:
    """Say whether one of these conditions holds only where `limit` does, too."""
    return any(
        (limit.operator, limit.key) == (each.operator, each.key)
        and all(any(covers(wide, value) for wide in limit.values) for value in each.values)
        for each in wanted
    )


def _above(field: str, value: str, ceiling: Sequence[str], why: str) -> Rejected:
    return Rejected(
        f"{field}={value!r}: above the ceiling of this deployment, {', '.join(ceiling)}: {why};"
        f" ask for less, or have {VARIABLE} raised",
        field=field,
        code="AboveCeiling",
        cause=Cause.PERMISSION,
    )
