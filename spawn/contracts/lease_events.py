"""What is told of leases; `spawn.contracts.events` has all events."""

from datetime import datetime

from spawn.contracts.event_kinds import EventData
from spawn.contracts.leases import Lease


class LeaseEvent(EventData, frozen=True, kw_only=True):
    """Base of what is said of a lease; `rank` is absent for the whole array's."""

    lease: Lease
    rank: int | None = None
    reason: str = ""


class LeaseSet(LeaseEvent, frozen=True, kw_only=True, tag="lease.set"):
    """The lease has this new end, in place of `before`, as `request_id` asked for."""

    request_id: str = ""
    before: datetime | None = None


class LeaseRefused(EventData, frozen=True, kw_only=True, tag="lease.refused"):
    """A change of the lease was refused: it ends as it would have."""

    request_id: str
    code: str
    message: str
    field: str = ""


class LeaseWarned(LeaseEvent, frozen=True, kw_only=True, tag="lease.warned"):
    """The lease ends soon."""


class LeaseExpired(LeaseEvent, frozen=True, kw_only=True, tag="lease.expired"):
    """The lease is over and its action has been asked for."""
