"""Changes of a lease: what is granted, and what is refused by name."""

import hashlib
from datetime import datetime, timedelta

import msgspec

from services.ttl.plan.course import advance, event_source
from spawn.contracts.arrays import Array
from spawn.contracts.durations import format_duration
from spawn.contracts.events import Event, LeaseRefused, LeaseSet, event_id
from spawn.contracts.ids import ArrayId, check_request_id
from spawn.contracts.lease_records import Extend, Idleness, LeaseRecord, LeaseState
from spawn.contracts.leases import LeaseAction, format_instant
from spawn.contracts.members import Member
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Rejected

_REMEMBERED = 8
"""Requests that a record remembers: far more than are ever under way for one array."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is asked for: by whom, when, and how long a lease may be."""

    extend: Extend
    by: str
    now: datetime
    longest: timedelta


def change(record: LeaseRecord, wish: Wish) -> LeaseRecord:
    """Return the record with its new end; the same one when the request has been done already.

    Raises `Rejected` naming what is wrong, or that the lease is over.
    """
    wanted, now = wish.extend, wish.now
    check_request_id(wanted.request_id)
    if wanted.request_id in record.requests:
        return record
    # Machines that an end has only put off may have more time, which does not start them.
    stays = record.lease.action is not LeaseAction.TERMINATE
    if not stays and (record.state is not LeaseState.ARMED or record.lease.is_over(now)):
        raise _too_late(record)
    lease = msgspec.structs.replace(record.lease, until=_new_end(record, wish))
    data = LeaseSet(
        lease=lease,
        rank=record.rank,
        before=record.lease.until,
        request_id=wanted.request_id,
        reason=f"{wish.by} asked for it",
    )
    requests = (*record.requests, wanted.request_id)[-_REMEMBERED:]
    # Somebody who asks for more time is at work: what was quiet until now counts no more.
    idle = record.idle and Idleness(at=now, reason="its lease was changed", counts_from=now)
    changes = {"lease": lease, "warned": None, "requests": requests, "idle": idle}
    return advance(record, now, data, state=LeaseState.ARMED, **changes)


def give_own(record: LeaseRecord, rank: int, now: datetime) -> LeaseRecord:
    """Return an array's record that lists a rank: its own lease is what counts for it from now on.

    Raises `Rejected` when the array's lease is over, which is then the rank's end as well.
    """
    if record.state is not LeaseState.ARMED or record.lease.is_over(now):
        raise _too_late(record)
    own = tuple(sorted({*record.own, rank}))
    return msgspec.structs.replace(record, version=record.version + 1, own=own, outbox=())


def check_member(array: Array, rank: int, member: Member | None) -> None:
    """Pass a rank whose machine lives or is still to come; raise `Rejected` otherwise."""
    if not 0 <= rank < array.size:
        raise Rejected(f"{array.name} has no rank {rank}", field="rank", code="gone")
    if member is None:
        return
    if member.ending or (member.is_over and not _is_coming(array, rank)):
        raise Rejected(
            f"{array.name}:{rank} has ended: its lease counts no more", field="rank", code="ending"
        )


def _is_coming(array: Array, rank: int) -> bool:
    """Say whether another machine is being asked for in a rank."""
    chunks = (*array.chunks, *(intent.chunk for intent in array.intents))
    return any(rank in parse_ranks(chunk.ranks) for chunk in chunks)


def check_wanted(wanted: Extend) -> None:
    """Pass a change that says what it wants, once; raise `Rejected` otherwise."""
    if (wanted.add_seconds > 0) == (wanted.until is not None):
        raise Rejected(
            "say either by how many seconds the lease grows or when it ends",
            field="add_seconds",
        )
    if wanted.until is not None and wanted.until.tzinfo is None:
        raise Rejected(f"until={wanted.until} has no offset from UTC", field="until")


def refusal_event(
    array_id: ArrayId, wanted: Extend, refusal: Rejected, *, deployment: str, now: datetime
) -> Event:
    """Say that a change was refused; the id is derived from the request, not from a record."""
    data = LeaseRefused(
        request_id=wanted.request_id[:64],
        code=refusal.code,
        message=refusal.message,
        field=refusal.field,
        rank=wanted.rank,
    )
    named = hashlib.sha256(wanted.request_id.encode()).hexdigest()[:16]
    return Event(
        id=event_id(array_id, data, named),
        array_id=array_id,
        source=event_source(deployment),
        time=now,
        data=data,
    )


def _too_late(record: LeaseRecord) -> Rejected:
    return Rejected(
        f"the lease ended at {format_instant(record.lease.until)}: it is too late",
        field="array_id",
        code="lease-over",
    )


def _new_end(record: LeaseRecord, wish: Wish) -> datetime:
    wanted, now, longest = wish.extend, wish.now, wish.longest
    too_long = Rejected(
        f"a lease ends {format_duration(longest)} from now at the latest (SPAWN_MAX_TTL)",
        field="until",
        code="too-long",
    )
    # Before it is added, since an instant has an end.
    if wanted.until is None and wanted.add_seconds > longest.total_seconds():
        raise too_long
    begins = max(record.lease.until, now)
    until = wanted.until or begins + timedelta(seconds=wanted.add_seconds)
    if until - now > longest:
        raise too_long
    if until <= now:
        raise Rejected(
            f"{format_instant(until)} is past; end it now with: spawn terminate {record.array_id}",
            field="until",
            code="past",
        )
    if (budget := record.lease.budget) is not None and until > budget.spent_at:
        raise Rejected(
            f"{budget.usd} USD, the limit of its costs, may be spent at"
            f" {format_instant(budget.spent_at)}: no lease goes beyond",
            field="until",
            code="max-cost",
        )
    return until
