"""From what EC2 lists to what the members' records must say."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.launcher.model import VISIBILITY, MemberChange, Sighting
from services.launcher.plan.power import wish_for
from services.launcher.plan.settlement import member_event
from spawn.contracts.arrays import Array
from spawn.contracts.events import (
    Data,
    InstanceRunning,
    InstanceStopped,
    InstanceStopping,
    InstanceTerminated,
)
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.launches import OnComplete
from spawn.contracts.members import Former, Member, MemberState

_EVENTS: dict[InstanceState, type[InstanceRunning | InstanceStopping | InstanceStopped]] = {
    InstanceState.RUNNING: InstanceRunning,
    InstanceState.STOPPING: InstanceStopping,
    InstanceState.STOPPED: InstanceStopped,
}

LEAVING = timedelta(minutes=2)
"""How long after its job's end a machine is awaited to go; one that stays is left to the sweep of
all instances."""


def is_in_transition(member: Member, array: Array | None, *, now: datetime) -> bool:
    """Say whether an instance of a member is expected to change state soon."""
    if member.is_succeeding:
        return True
    if member.is_over:
        return False
    if member.ending:
        return True
    if array is not None and (array.ending is not None or is_leaving(member, array, now=now)):
        return True
    if array is not None and wish_for(array, member.rank) is not None:
        return True
    stable = {InstanceState.RUNNING, InstanceState.STOPPED}
    # A request that is sent again is answered with instances that may run already.
    return member.instance.state not in stable or _starts(member, member.instance)


def is_leaving(member: Member, array: Array, *, now: datetime) -> bool:
    """Say whether a member's machine, whose job has ended, is about to end or stop itself."""
    return (
        member.state is MemberState.EXITED
        and member.instance.state is InstanceState.RUNNING
        and array.on_complete is not OnComplete.NONE
        and now - member.changed_at < LEAVING
    )


def observe(
    members: Iterable[Member],
    sighting: Sighting,
    arrays: Mapping[ArrayId, Array],
    *,
    now: datetime,
) -> Iterator[MemberChange]:
    """Yield the members whose records differ from what was seen."""
    for member in members:
        array = arrays.get(member.array_id)
        if not member.is_left or array is None:
            continue
        seen = _seen(member.instance, sighting, since=member.changed_at, now=now)
        own = None if seen is None or member.is_over else _change(member, seen, array, now=now)
        change = _with_formers(member, own, sighting, array, now=now)
        if change is not None:
            yield change


def _seen(
    instance: Instance, sighting: Sighting, *, since: datetime, now: datetime
) -> Instance | None:
    described = sighting.listed.get(instance.id)
    if described is not None:
        return described.instance
    if instance.id not in sighting.asked or now - since < VISIBILITY:
        # A young instance may not be listed yet: its absence says nothing.
        return None
    return msgspec.structs.replace(
        instance, state=InstanceState.TERMINATED, reason="no longer listed by EC2"
    )


def _with_formers(
    member: Member,
    own: MemberChange | None,
    sighting: Sighting,
    array: Array,
    *,
    now: datetime,
) -> MemberChange | None:
    """Add what was seen of a rank's earlier instances to the change of its present one."""
    formers = tuple(_former_as_seen(each, sighting, now=now) for each in member.formers)
    if formers == member.formers:
        return own
    change = own or MemberChange(member=_next(member), reason="EC2 says more of its predecessor")
    after = msgspec.structs.replace(change.member, formers=formers)
    gone = (
        InstanceTerminated(
            rank=member.rank,
            generation=each.generation,
            instance=each.instance,
            reason=each.instance.reason or "its rank has another instance",
        )
        for each, before in zip(formers, member.formers, strict=True)
        if each.instance.state is InstanceState.TERMINATED and each != before
    )
    events = (member_event(after, each, deployment=array.deployment, now=now) for each in gone)
    after = msgspec.structs.replace(after, outbox=(*after.outbox, *events))
    return msgspec.structs.replace(change, member=after)


def _former_as_seen(former: Former, sighting: Sighting, *, now: datetime) -> Former:
    if former.instance.state is InstanceState.TERMINATED:
        return former
    seen = _seen(former.instance, sighting, since=former.since, now=now)
    if seen is None or seen.state is former.instance.state:
        return former
    return msgspec.structs.replace(former, instance=seen, since=now)


def _next(member: Member) -> Member:
    return msgspec.structs.replace(member, version=member.version + 1, outbox=())


def _change(member: Member, seen: Instance, array: Array, *, now: datetime) -> MemberChange | None:
    if seen.state is InstanceState.TERMINATED:
        return _gone(member, seen, array, now=now)
    starts, again = _starts(member, seen), _starts_again(member, seen)
    if seen.state is InstanceState.SHUTTING_DOWN or (seen == member.instance and not starts):
        return None
    known = _EVENTS.get(seen.state)
    if seen.state is member.instance.state and not starts and not again:
        return rewrite(member, array, now, instance=seen)
    state = MemberState.RUNNING if starts else member.state
    data = known(rank=member.rank, generation=member.generation, instance=seen) if known else None
    return rewrite(member, array, now, data=data, **{"instance": seen, "state": state} | again)


def _starts(member: Member, seen: Instance) -> bool:
    return seen.state is InstanceState.RUNNING and member.state is MemberState.LAUNCHED


def _starts_again(member: Member, seen: Instance) -> dict[str, Any]:
    """Return what changes of a member whose instance was stopped and is started.

    It is ready once its agent says hello again. EC2's time of launch is that of the last start,
    so a stop is noticed though it was too short to be met.
    """
    before = member.instance.launched_at
    is_on = seen.state in {InstanceState.PENDING, InstanceState.RUNNING}
    if not is_on or before is None or seen.launched_at is None or seen.launched_at <= before:
        return {}
    starts = {"starts": member.starts + 1}
    if member.is_done:
        return starts
    runs = seen.state is InstanceState.RUNNING
    state = MemberState.RUNNING if runs else MemberState.LAUNCHED
    return {**starts, "state": state}


def note_power(
    member: Member, state: InstanceState, array: Array, now: datetime
) -> MemberChange | None:
    """Record what EC2 answered to a stop or a start that has begun; the rest is seen later."""
    begun = state in {InstanceState.PENDING, InstanceState.STOPPING}
    if member.is_over or not begun or state is member.instance.state:
        return None
    seen = msgspec.structs.replace(member.instance, state=state)
    known = _EVENTS.get(state)
    data = known(rank=member.rank, generation=member.generation, instance=seen) if known else None
    return rewrite(member, array, now, data=data, instance=seen)


def _gone(member: Member, seen: Instance, array: Array, *, now: datetime) -> MemberChange:
    if array.ending is not None:
        state, reason = MemberState.EXITED, array.ending.reason
    elif member.ending:
        state, reason = MemberState.EXITED, member.ending
    else:
        state, reason = MemberState.LOST, seen.reason or "ended outside of spawn"
    data = InstanceTerminated(
        rank=member.rank, generation=member.generation, instance=seen, reason=reason
    )
    if member.state is MemberState.EXITED:
        # How its job has ended is what there is to say of the member.
        state, reason = member.state, member.reason
    return rewrite(member, array, now, data=data, instance=seen, state=state, reason=reason)


def rewrite(
    member: Member, array: Array, now: datetime, *, data: Data | None = None, **changes: object
) -> MemberChange:
    """Return the member's next version with `changes`, and `data` as the event it causes."""
    after = msgspec.structs.replace(
        member, version=member.version + 1, changed_at=now, outbox=(), **changes
    )
    if data is not None:
        event = member_event(after, data, deployment=array.deployment, now=now)
        after = msgspec.structs.replace(after, outbox=(event,))
    return MemberChange(
        member=after,
        reason=f"EC2 says {after.instance.state}, the record {member.instance.state}",
    )
