"""Leases: the instant at which an array goes away, and what then happens."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from spawn.errors import Rejected

LEASE_TAG = "spawn:lease"
"""The tag of an instance that says when it goes away, should every record be lost."""


LEASE_ACTION_TAG = "spawn:on-expire"
"""The tag of an instance whose lease does not end it: what it does instead."""


NO_END = datetime(2199, 1, 1, tzinfo=UTC)
"""The end of a lease that was wanted without one: the last year that systemd's timers know
(https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html)."""


NEARLY = 0.8
"""The part of a budget after which it is warned of."""


class LeaseAction(StrEnum):
    """What happens to an instance when its lease is over."""

    TERMINATE = "terminate"
    STOP = "stop"
    HIBERNATE = "hibernate"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What an array may cost in US dollars: spent, at most, from `begins` to `spent_at`."""

    usd: float
    begins: datetime
    spent_at: datetime

    @property
    def nearly_spent_at(self) -> datetime:
        """When four fifths of it are spent, which is worth a warning."""
        return self.begins + NEARLY * (self.spent_at - self.begins)


class Lease(msgspec.Struct, frozen=True):
    """An absolute instant in UTC, and an action; it never ends after its `budget` is spent."""

    until: datetime
    action: LeaseAction = LeaseAction.TERMINATE
    budget: Budget | None = None

    @property
    def is_endless(self) -> bool:
        """Whether it goes on until somebody ends it."""
        return self.until >= NO_END

    def is_over(self, now: datetime) -> bool:
        """Say whether the lease has ended at `now`."""
        return now >= self.until


def format_instant(instant: datetime) -> str:
    """Write an instant for the `spawn:lease` tag: RFC 3339 in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; raise `Rejected` when it is none or has no offset."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Rejected(f"{text[:40]!r} is not an instant; write it like 2026-12-01T00:00Z")
    return instant.astimezone(UTC)
