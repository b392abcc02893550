"""Which grants nobody needs any more, and how they are taken apart; pure.

What is in use is derived each time from living arrays and instances, never counted.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from services.iam_broker.model import (
    ArrayUse,
    DeletePolicy,
    DeleteProfile,
    DeleteRole,
    Detach,
    Keep,
    RemoveRole,
    Steps,
    Uses,
)
from services.iam_broker.plan.grants import DEPLOYMENT_TAG, HASH_TAG, PATH, role_name
from spawn.contracts.arrays import ArrayState
from spawn.contracts.durations import format_duration
from spawn.contracts.grants import Grant, InstanceProfile, Role
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Described

_UNSETTLED = frozenset({ArrayState.ACCEPTED, ArrayState.LAUNCHING})


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """By what a grant is judged: when, whose it must be, and how long it stays unused."""

    deployment: str
    now: datetime
    grace: timedelta


def find_uses(arrays: Iterable[ArrayUse], instances: Iterable[Described]) -> Uses:
    """Return which profiles living arrays and instances use."""
    profiles = {each.profile: f"instance {each.instance.id}" for each in instances if each.profile}
    launching: list[ArrayId] = []
    for array in arrays:
        if array.state.is_over:
            continue
        if array.placement is None:
            launching += [array.id] if array.state in _UNSETTLED else []
        elif array.placement.instance_profile:
            profiles[array.placement.instance_profile] = f"array {array.id}"
    return Uses(profiles=profiles, launching=tuple(sorted(launching)))


def why_used(profile: str, uses: Uses) -> Keep | None:
    """Say why a profile is needed now; None when it is not."""
    if profile in uses.profiles:
        return Keep(reason=f"{uses.profiles[profile]} uses it")
    if uses.launching:
        # It has asked for its grant, or is about to, and its record does not say which it is.
        return Keep(reason=f"array {uses.launching[0]} is being launched and may use it")
    return None


def why_recent(grant: Grant | None, role: Role | None, terms: Terms) -> Keep | None:
    """Say why a grant that nobody uses stays for now; None when its grace is over."""
    instants = (
        grant and grant.used_at,
        grant and grant.made_at,
        role and role.used_at,
        role and role.created_at,
    )
    last = max((each for each in instants if each is not None), default=None)
    if last is None or terms.now - last >= terms.grace:
        return None
    left = format_duration(terms.grace - (terms.now - last))
    return Keep(reason=f"it was last needed at {last:%Y-%m-%d %H:%M} UTC; it goes in {left}")


def why_foreign(role: Role, terms: Terms) -> Keep | None:
    """Say why a role is not ours to delete; None when it is ours, whatever became of it."""
    deployment = role.tags.get(DEPLOYMENT_TAG)
    if role.path != PATH or role.name != role_name(role.tags.get(HASH_TAG, "")):
        return Keep(reason="it was not made by spawn")
    if deployment != terms.deployment:
        return Keep(reason=f"it belongs to deployment {deployment or 'nobody'}")
    return None


def steps_away(role: Role, profile: InstanceProfile | None) -> Iterator[Steps]:
    """Yield what takes a grant apart, in an order in which IAM agrees to each step."""
    name, reason = role.name, "nobody needs it"
    if profile is not None and profile.path == PATH and profile.roles in {(), (name,)}:
        if profile.roles:
            yield RemoveRole(name=name, reason=reason)
        yield DeleteProfile(name=name, reason=reason)
    for policy in role.inline:
        yield DeletePolicy(name=name, policy=policy, reason=reason)
    for arn in role.attached:
        yield Detach(name=name, arn=arn, reason=reason)
    yield DeleteRole(name=name, reason=reason)


def due_for_note(
    grants: Mapping[str, Grant], uses: Uses, *, now: datetime, every: timedelta
) -> tuple[str, ...]:
    """Return the hashes of grants whose record is to say that they are in use now."""
    return tuple(
        digest
        for digest, grant in grants.items()
        if grant.profile in uses.profiles
        and (grant.used_at is None or now - grant.used_at >= every)
    )
