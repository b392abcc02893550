"""The course of a lease: warnings, its end, and when to look again."""

from datetime import datetime, timedelta

import msgspec

from services.ttl.model import Act, Expire, Steps, Wait, Warn
from spawn.contracts.durations import format_duration
from spawn.contracts.events import Data, Event, LeaseExpired, LeaseWarned, event_id
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState
from spawn.contracts.leases import NEARLY, Lease

SERVICE = "ttl"

WARNINGS = (timedelta(minutes=10), timedelta(minutes=5), timedelta(minutes=1))
"""How long before its end a lease is warned of."""


def first_record(
    array_id: ArrayId, lease: Lease, *, deployment: str, rank: int | None = None
) -> LeaseRecord:
    """Make the record of a lease that nobody has changed yet."""
    return LeaseRecord(array_id=array_id, rank=rank, lease=lease, deployment=deployment)


def next_step(record: LeaseRecord, now: datetime) -> Steps:
    """Decide what is to be done with a lease at `now`."""
    if record.state is LeaseState.EXPIRING:
        return Act(reason="its lease is over")
    if record.lease.is_over(now):
        data = LeaseExpired(lease=record.lease, rank=record.rank)
        over = advance(record, now, data, state=LeaseState.EXPIRING)
        return Expire(record=over, reason="its lease is over")
    due = _due_warning(record, now)
    if due is not None:
        left = f"it ends in {format_duration(record.lease.until - now)}"
        data = LeaseWarned(lease=record.lease, rank=record.rank, reason=left)
        warned = advance(record, now, data, warned=due)
        return Warn(record=warned, reason=left)
    if _is_nearly_spent(record, now):
        return _warn_of_cost(record, now)
    at = next_occasion(record, now)
    return Wait(at=at, reason="nothing is due")


def next_occasion(record: LeaseRecord, now: datetime) -> datetime:
    """Return the next instant at which a lease is to be looked at: a warning's, or its end."""
    until, budget = record.lease.until, record.lease.budget
    occasions = [until - each for each in WARNINGS]
    if budget is not None:
        occasions.append(budget.nearly_spent_at)
    return min((each for each in occasions if now < each < until), default=until)


def advance(record: LeaseRecord, now: datetime, data: Data, **changes: object) -> LeaseRecord:
    """Return the record's next version with `changes`, and `data` as the event that it causes."""
    after = msgspec.structs.replace(record, version=record.version + 1, **changes)
    return msgspec.structs.replace(after, outbox=(lease_event(after, data, now),))


def lease_event(record: LeaseRecord, data: Data, now: datetime) -> Event:
    """Make an event that a record, at its own version, causes."""
    return Event(
        id=event_id(record.array_id, data, record.version),
        array_id=record.array_id,
        source=event_source(record.deployment),
        time=now,
        data=data,
    )


def event_source(deployment: str) -> str:
    """Return the CloudEvents source of this service."""
    return f"/spawn/{deployment}/{SERVICE}"


def _is_nearly_spent(record: LeaseRecord, now: datetime) -> bool:
    budget = record.lease.budget
    return budget is not None and not record.warned_of_cost and now >= budget.nearly_spent_at


def _warn_of_cost(record: LeaseRecord, now: datetime) -> Warn:
    limit = f" of {record.lease.budget.usd} USD" if record.lease.budget else ""
    left = format_duration(record.lease.until - now)
    said = f"{NEARLY:.0%}{limit} may be spent, it ends in {left}"
    data = LeaseWarned(lease=record.lease, rank=record.rank, reason=said)
    return Warn(record=advance(record, now, data, warned_of_cost=True), reason=said)


def _due_warning(record: LeaseRecord, now: datetime) -> timedelta | None:
    """Return the warning that is due: of several that were missed, the last one."""
    passed = [each for each in WARNINGS if record.lease.until - each <= now]
    if not passed or (record.warned is not None and record.warned <= min(passed)):
        return None
    return min(passed)
