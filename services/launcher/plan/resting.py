"""The end of a lease that means a stop: machines go off and keep their disk."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec

from services.launcher.model import OVERDUE, View, Write
from services.launcher.plan.leases import LEASE_OVER
from services.launcher.plan.own_leases import lease_of
from services.launcher.plan.power import put_wish, wish_for
from services.launcher.plan.settlement import advance, end
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member
from spawn.contracts.power import PowerTo, PowerWish
from spawn.contracts.ranks import format_ranks

_ON = frozenset({InstanceState.PENDING, InstanceState.RUNNING})


def rest(array: Array, lease: Lease, members: Iterable[Member], *, now: datetime) -> Array:
    """Have members go off as the end of `lease` wants; the same record when they do already.

    An array whose launch has not come to its end has nothing to keep: it is ended.
    """
    if array.ending is not None or array.state.is_over:
        return array
    if array.state in {ArrayState.ACCEPTED, ArrayState.LAUNCHING}:
        return end(array, f"{LEASE_OVER}, before it was ready", now=now)
    ranks = [each.rank for each in members if _goes_on(each) and not _is_to_stop(array, each)]
    if not ranks:
        return array
    hibernates = lease.action is LeaseAction.HIBERNATE and array.spec.hibernates
    wish = PowerWish(
        to=PowerTo.HIBERNATED if hibernates else PowerTo.STOPPED,
        ranks=format_ranks(ranks),
        request_id=f"lease-{array.version}",
        reason=LEASE_OVER,
        at=now,
    )
    return put_wish(array, wish, now=now)


def rest_at_end(array: Array, lease: Lease, members: Iterable[Member], *, now: datetime) -> Array:
    """Do at an array's own end what `rest` does, and note that it was done at this end."""
    after = rest(array, lease, members, now=now)
    if after.ending is not None or after.state.is_over or after.rested_at == lease.until:
        return after
    if after is array:
        return advance(array, now, rested_at=lease.until)
    return msgspec.structs.replace(after, rested_at=lease.until)


def rest_overdue(view: View) -> Write | None:
    """Have machines go off whose lease is so long over that nobody seems to act on it."""
    late = resting_due(
        view.array, view.members.values(), view.own_leases, view.now, refused=view.unpowered
    )
    if not late:
        return None
    lease = lease_of(late[0], view.array, view.own_leases)
    after = rest(view.array, lease, late, now=view.now)
    return None if after is view.array else Write(array=after, reason="leases long over")


def resting_due(
    array: Array,
    members: Iterable[Member],
    own: Mapping[int, Lease],
    now: datetime,
    *,
    refused: Collection[InstanceId] = (),
) -> list[Member]:
    """Return the members that go on though their lease wanted them off long ago."""
    return [
        each
        for each in members
        if _wants_off(lease_of(each, array, own), now)
        and _goes_on(each)
        and each.instance.id not in refused
        and not _is_to_stop(array, each)
    ]


def _wants_off(lease: Lease, now: datetime) -> bool:
    return lease.action is not LeaseAction.TERMINATE and lease.is_over(now - OVERDUE)


def _goes_on(member: Member) -> bool:
    return not member.is_over and not member.ending and member.instance.state in _ON


def _is_to_stop(array: Array, member: Member) -> bool:
    wish = wish_for(array, member.rank)
    return wish is not None and wish.to is not PowerTo.RUNNING
