"""An array's lease, which the TTL service sets: taken over, told of in tags, and a last net."""

from datetime import datetime

from services.launcher.model import OVERDUE, Tag, View
from spawn.contracts.arrays import Array

LEASE_OVER = "its lease is over"
"""Why an array is ended that has had its time."""


def is_overdue(array: Array, now: datetime) -> bool:
    """Say whether an array's lease is so long over that nobody seems to act on it."""
    return array.lease.is_over(now - OVERDUE)


def tag_anew(view: View) -> Tag | None:
    """Have the tags of an array's instances tell of its lease, where they may not yet."""
    array = view.array
    # What an open intent makes has the tags of its own time: it is waited for.
    if not array.retag or not view.may_tag or array.intents:
        return None
    living = (member for member in view.members.values() if not member.is_over)
    ids = tuple(member.instance.id for member in living)
    return Tag(instance_ids=ids, lease=array.lease, reason="its lease has changed")
