"""Members: the rank slots of an array, one record each, written by the launcher alone."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Instance

BUCKET = "spawn-members"
"""Key-value bucket of `Member`, keyed `<array>.<rank>`."""


class MemberState(StrEnum):
    """pending -> launched -> running -> ready -> exited | lost."""

    PENDING = "pending"
    LAUNCHED = "launched"
    RUNNING = "running"
    READY = "ready"
    EXITED = "exited"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether the member's instance has ended, as asked (exited) or not (lost)."""
        # Asked of every member at every look: a set would hash each state anew.
        return self is MemberState.EXITED or self is MemberState.LOST


# Thousands of records live long: as trees without cycles they're no work for the collector.
class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A rank slot and the instance that fills it now.

    `outbox` holds the events that this very write caused; they are published after it and are
    replaced by those of the next write.
    """

    array_id: ArrayId
    rank: int
    state: MemberState
    instance: Instance
    changed_at: datetime
    generation: int = 0
    version: int = 1
    reason: str = ""
    outbox: tuple[Event, ...] = ()


def member_key(array_id: ArrayId, rank: int) -> str:
    """Return the key of a member's record."""
    return f"{array_id}.{rank}"
