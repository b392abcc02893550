"""Leases as they are kept: one record for each living array, written by the TTL service alone.

A member whose lease was changed by itself has a record of its own, which counts from when its
array's record lists the rank: that write competes with the end of the array's lease.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId
from spawn.contracts.leases import Lease

BUCKET = "spawn-leases"
"""Key-value bucket of `LeaseRecord`, keyed `<array>` or `<array>.<rank>`."""

SUBJECT_EXTEND = "spawn.cmd.ttl.extend"
SUBJECT_EXPIRE = "spawn.cmd.launcher.expire"

MOST_EXPIRED = 500
"""Arrays whose end one command may ask for."""


class LeaseState(StrEnum):
    """armed -> expiring: the step that competes with every change of the lease."""

    ARMED = "armed"
    EXPIRING = "expiring"


class Idleness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Whether machines work, as seen `at`: quiet since an instant, or `reason` says what works.

    `asked_at` is when the idle action was asked for; nothing before `counts_from` counts as quiet,
    since somebody changed the lease then.
    """

    at: datetime
    reason: str
    quiet_since: datetime | None = None
    asked_at: datetime | None = None
    counts_from: datetime | None = None


# Thousands of records live long: as trees without cycles they're no work for the collector.
class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lease of an array, or of one `rank`; once it is `EXPIRING` nothing changes it any more.

    An array's record lists in `own` the ranks that have leases of their own and outlive its end.
    `warned` is how long before the end the last warning stood for, and `warned_of_cost` says that
    one was of the budget; `requests` are the newest changes that were asked for, so that each is
    done once. `idle` is there where idleness counts and something is known of it. `outbox` holds
    the events that the last write caused.
    """

    array_id: ArrayId
    lease: Lease
    deployment: str
    rank: int | None = None
    own: tuple[int, ...] = ()
    state: LeaseState = LeaseState.ARMED
    version: int = 1
    warned: timedelta | None = None
    warned_of_cost: bool = False
    requests: tuple[str, ...] = ()
    idle: Idleness | None = None
    outbox: tuple[Event, ...] = ()

    @property
    def key(self) -> str:
        """The key of the record."""
        return lease_key(self.array_id, self.rank)


def lease_key(array_id: ArrayId, rank: int | None = None) -> str:
    """Return the key of an array's lease, or of a member's own."""
    return array_id if rank is None else f"{array_id}.{rank}"


class Extend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to change when a lease ends: by `add_seconds`, or to the instant `until`.

    With a `rank` it is that member's alone, which from then on has a lease of its own.
    The same `request_id` changes it once. `lease.set` or `lease.refused` answers with it.
    """

    request_id: str
    array_id: ArrayId
    rank: int | None = None
    add_seconds: int = 0
    until: datetime | None = None
    not_after: datetime | None = None


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """A lease that is over, and the version of its record that says so."""

    array_id: ArrayId
    version: int
    rank: int | None = None


class Expire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to do with arrays and members what their leases say, since these are over."""

    leases: tuple[Over, ...]


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What a lease's timer carries: the record that it was set for, and that one's revision."""

    record: LeaseRecord
    revision: int
