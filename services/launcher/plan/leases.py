"""An array's lease, which the TTL service sets: taken over, told of in tags, and a last net."""

from collections.abc import Mapping
from datetime import datetime

from services.launcher.model import OVERDUE, Tag, View
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.leases import Lease, LeaseAction

_NONE: Mapping[int, Lease] = {}

LEASE_OVER = "its lease is over"
"""Why an array is ended that has had its time."""


def end_reason(record: LeaseRecord) -> str:
    """Say why a lease is over: that its time is, or that nothing has worked for long enough."""
    idle = record.idle
    if idle is not None and idle.asked_at is not None and record.lease.until <= idle.asked_at:
        return idle.reason
    return LEASE_OVER


def is_overdue(array: Array, now: datetime, own: Mapping[int, Lease] = _NONE) -> bool:
    """Say whether an array's lease is so long over that nobody seems to end it.

    So are those that its members have of their `own`, then: with one of them it goes on. One that
    wants machines off, and not gone, ends only what was never ready.
    """
    is_new = array.state in {ArrayState.ACCEPTED, ArrayState.LAUNCHING}
    return all(
        lease.is_over(now - OVERDUE) and (is_new or lease.action is LeaseAction.TERMINATE)
        for lease in (array.lease, *own.values())
    )


def tag_anew(view: View) -> Tag | None:
    """Have the tags of an array's instances tell of its lease, where they may not yet."""
    array = view.array
    # What an open intent makes has the tags of its own time: it is waited for.
    if not array.retag or not view.may_tag or array.intents:
        return None
    living = (each for each in view.members.values() if not each.is_over and each.lease is None)
    ids = tuple(member.instance.id for member in living)
    return Tag(instance_ids=ids, lease=array.lease, reason="its lease has changed")
