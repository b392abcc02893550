"""Leases as they are kept: one record for each living array, written by the TTL service alone."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId
from spawn.contracts.leases import Lease

BUCKET = "spawn-leases"
"""Key-value bucket of `LeaseRecord`, keyed `<array>`."""

SUBJECT_EXTEND = "spawn.cmd.ttl.extend"
SUBJECT_EXPIRE = "spawn.cmd.launcher.expire"

MOST_EXPIRED = 500
"""Arrays whose end one command may ask for."""


class LeaseState(StrEnum):
    """armed -> expiring: the step that competes with every change of the lease."""

    ARMED = "armed"
    EXPIRING = "expiring"


# Thousands of records live long: as trees without cycles they're no work for the collector.
class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lease of one array; once it is `EXPIRING` nothing changes it any more.

    `warned` is how long before the end the last warning stood for, and `warned_of_cost` says that
    one was of the budget; `requests` are the newest
    changes that were asked for, so that each is done once. `outbox` holds the events that the
    last write caused.
    """

    array_id: ArrayId
    lease: Lease
    deployment: str
    state: LeaseState = LeaseState.ARMED
    version: int = 1
    warned: timedelta | None = None
    warned_of_cost: bool = False
    requests: tuple[str, ...] = ()
    outbox: tuple[Event, ...] = ()


class Extend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to change when a lease ends: by `add_seconds`, or to the instant `until`.

    The same `request_id` changes it once. `lease.set` or `lease.refused` answers with it.
    """

    request_id: str
    array_id: ArrayId
    add_seconds: int = 0
    until: datetime | None = None
    not_after: datetime | None = None


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """A lease that is over, and the version of its record that says so."""

    array_id: ArrayId
    version: int


class Expire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to do with arrays what their leases say, since these are over."""

    leases: tuple[Over, ...]


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What a lease's timer carries: the record that it was set for, and that one's revision."""

    record: LeaseRecord
    revision: int
