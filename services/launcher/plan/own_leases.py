"""Leases of single members: taken over from the TTL service, told of in tags, and their ends."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from services.launcher.model import OVERDUE, End, MemberChange, Tag, View, Write, WriteMembers
from services.launcher.plan.leases import LEASE_OVER, is_overdue, tag_anew
from services.launcher.plan.settlement import advance, end
from spawn.contracts.arrays import Array
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member

_NONE: Mapping[int, Lease] = {}


def lease_of(member: Member, array: Array, own: Mapping[int, Lease] = _NONE) -> Lease:
    """Return the lease that counts for a member: its own, or else its array's."""
    return own.get(member.rank) or member.lease or array.lease


def end_members(members: Iterable[Member], reason: str) -> tuple[MemberChange, ...]:
    """Have members' instances end while their array goes on; those that do so already are left."""
    return tuple(
        _rewrite(each, reason, ending=reason)
        for each in members
        if not each.is_over and not each.ending
    )


def change_members(view: View) -> WriteMembers | None:
    """Take over leases that have changed; end members whose own are so long over that nobody acts.

    That is the last net below the TTL service, as for a whole array.
    """
    taken = tuple(
        _rewrite(member, "its lease has changed", lease=lease, retag=True)
        for rank, lease in view.own_leases.items()
        if (member := view.members.get(rank)) is not None
        and not member.is_over
        and member.lease != lease
    )
    if taken:
        return WriteMembers(changes=taken, reason="leases of members have changed")
    late = overdue(view.array, view.members.values(), view.own_leases, view.now)
    ended = end_members(late, LEASE_OVER)
    return WriteMembers(changes=ended, reason="leases long over") if ended else None


def overdue(
    array: Array, members: Iterable[Member], own: Mapping[int, Lease], now: datetime
) -> Iterator[Member]:
    """Yield members that nobody has ended although their lease is long over."""
    for member in members:
        lease = lease_of(member, array, own)
        is_left = not member.is_over and not member.ending
        if is_left and lease.action is LeaseAction.TERMINATE and lease.is_over(now - OVERDUE):
            yield member


def is_neglected(
    array: Array, members: Iterable[Member], own: Mapping[int, Lease], now: datetime
) -> bool:
    """Say whether a lease is so long over that the last net is to be looked at."""
    if not any(each.is_over(now - OVERDUE) for each in (array.lease, *own.values())):
        return False
    return is_overdue(array, now, own) or any(overdue(array, members, own, now))


def lease_step(view: View) -> Write | WriteMembers | Tag | None:
    """Decide what is next for the leases of an array that goes on."""
    array = view.array
    if view.lease is not None and view.lease != array.lease:
        renewed = advance(array, view.now, lease=view.lease, retag=True)
        return Write(array=renewed, reason="its lease has changed")
    if is_overdue(array, view.now, view.own_leases):
        return Write(array=end(array, LEASE_OVER, now=view.now), reason="lease long over")
    return change_members(view) or tag_anew(view) or tag_own(view)


def end_due(view: View) -> Iterator[End]:
    """End the instances of members that are to end, earlier ones too, again if need be."""
    due = [each for each in view.members.values() if each.ending and each.is_left]
    ids = tuple(
        instance.id
        for member in due
        for instance in member.instances
        if not instance.state.is_going and instance.id not in view.ending
    )
    if ids:
        yield End(instance_ids=ids, reason=due[0].ending)


def tag_own(view: View) -> Tag | None:
    """Have the tags of members tell of their own lease, one lease at a time."""
    waiting = [each for each in view.members.values() if each.retag and not each.is_over]
    lease = waiting[0].lease if waiting else None
    if lease is None or not view.may_tag:
        return None
    alike = [each for each in waiting if each.lease == lease]
    return Tag(
        instance_ids=tuple(each.instance.id for each in alike),
        lease=lease,
        ranks=tuple(each.rank for each in alike),
        reason="leases of members have changed",
    )


def tagged(member: Member, lease: Lease) -> MemberChange | None:
    """Note that a member's tag tells of `lease`, if that is still the one that counts."""
    if not member.retag or member.lease != lease:
        return None
    return _rewrite(member, "its tag tells of its lease", retag=False)


def is_unsettled(members: Iterable[Member]) -> bool:
    """Say whether some member is to end, or its tag is to be written."""
    return any(not each.is_over and (each.ending or each.retag) for each in members)


def _rewrite(member: Member, reason: str, **changes: object) -> MemberChange:
    # Not `changed_at`, which says when its state has changed.
    after = msgspec.structs.replace(member, version=member.version + 1, outbox=(), **changes)
    return MemberChange(member=after, reason=reason)
