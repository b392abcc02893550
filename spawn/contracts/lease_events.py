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
    rank: int | None = None


class LeaseWarned(LeaseEvent, frozen=True, kw_only=True, tag="lease.warned"):
    """The lease ends soon."""


class LeaseIdled(LeaseEvent, frozen=True, kw_only=True, tag="lease.idled"):
    """Nothing has worked for the idle timeout: the action of `lease` has been asked for.

    `reason` says that all was quiet, and for how long.
    """


class LeaseKept(LeaseEvent, frozen=True, kw_only=True, tag="lease.kept"):
    """Work was seen after a quiet time, which counts no more; `reason` says which sign of it."""


class LeaseExpired(LeaseEvent, frozen=True, kw_only=True, tag="lease.expired"):
    """The lease is over and its action has been asked for."""
