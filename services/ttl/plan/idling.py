"""What follows from idleness: what is seen of an array's machines, written down, and acted on."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from services.ttl.model import Idling
from services.ttl.plan.course import advance, lease_event
from services.ttl.plan.idle import Course, Verdict
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.durations import format_duration, parse_duration
from spawn.contracts.events import LeaseExpired, LeaseIdled, LeaseKept
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.lease_records import Idleness, LeaseRecord, LeaseState
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member
from spawn.contracts.power import Power, PowerTo

_SETTLED = frozenset(
    {ArrayState.READY, ArrayState.DEGRADED, ArrayState.FINISHED, ArrayState.RECOVERED}
)
_RUNS = frozenset({InstanceState.PENDING, InstanceState.RUNNING})

_SAY_AGAIN = timedelta(minutes=1)
"""How long what is said of machines that work may be out of date."""

_ASK_AGAIN = timedelta(minutes=5)
"""How long after machines were to be stopped they are asked to stop again, if they still run."""


def idling_of(array: Array) -> Idling | None:
    """Return what counts as idle of an array; None where it never is, or is ending anyhow."""
    spec = array.spec
    if not spec.idle_timeout or array.ending is not None or array.state.is_over:
        return None
    return Idling(
        array_id=array.id,
        timeout=parse_duration(spec.idle_timeout),
        action=spec.idle_action,
        scope=spec.idle_scope,
        has_job=array.has_job,
        is_settled=array.state in _SETTLED and not array.chunks and not array.intents,
    )


def see(
    idling: Idling, members: Iterable[Member], courses: Mapping[InstanceId, Course]
) -> dict[int, Course | str]:
    """Return what is seen of each machine that runs, by rank: a text where it has to work."""
    seen: dict[int, Course | str] = {}
    for member in members:
        if member.instance.state in _RUNS and not member.ending:
            seen[member.rank] = _work_to_come(idling, member) or courses.get(
                member.instance.id, "no heartbeat yet"
            )
    return seen


def left_at(members: Iterable[Member], seen: Mapping[int, Course | str]) -> datetime | None:
    """Return since when only the machines that are `seen` run: the others may have worked before.

    None when there are no others.
    """
    return max((each.changed_at for each in members if each.rank not in seen), default=None)


def _work_to_come(idling: Idling, member: Member) -> str:
    if not idling.is_settled:
        return "the array is being launched"
    if member.facts is None:
        return "it is starting"
    if idling.has_job and member.exit_code is None and not member.is_done:
        return "its job has not ended"
    return ""


def note_verdict(record: LeaseRecord, verdict: Verdict, now: datetime) -> LeaseRecord:
    """Return the record that says whether machines work; the same one when it says so already."""
    before = record.idle
    idle = Idleness(
        at=now,
        reason=verdict.reason,
        quiet_since=verdict.quiet_since,
        counts_from=before and before.counts_from,
    )
    if before is None:
        return msgspec.structs.replace(record, idle=idle, outbox=())
    if before.quiet_since == idle.quiet_since:
        is_old = now - before.at >= _SAY_AGAIN and before.reason != idle.reason
        if before.quiet_since is not None or not is_old:
            return record
        return msgspec.structs.replace(record, idle=idle, outbox=())
    if before.quiet_since is None or idle.quiet_since is not None or before.asked_at is not None:
        return msgspec.structs.replace(record, idle=idle, outbox=())
    data = LeaseKept(lease=record.lease, rank=record.rank, reason=verdict.reason)
    return advance(record, now, data, idle=idle)


def end_idle(record: LeaseRecord, idle: Idleness) -> LeaseRecord:
    """Return the record of a lease that ends because nothing works any more."""
    lease = Lease(until=min(record.lease.until, idle.at), action=LeaseAction.TERMINATE)
    after = msgspec.structs.replace(
        record, version=record.version + 1, lease=lease, state=LeaseState.EXPIRING, idle=idle
    )
    told = (
        LeaseIdled(lease=lease, rank=record.rank, reason=idle.reason),
        LeaseExpired(lease=lease, rank=record.rank, reason=idle.reason),
    )
    outbox = tuple(lease_event(after, data, idle.at) for data in told)
    return msgspec.structs.replace(after, outbox=outbox)


def rest_idle(
    record: LeaseRecord, idles: Mapping[int | None, Idleness], action: LeaseAction
) -> LeaseRecord:
    """Return the record that says that idle machines are asked to stop; the lease goes on.

    `idles` are by rank, or one for all. One write says it of all of them, for what the launcher
    is asked counts only as long as this version of the record stands.
    """
    lease = Lease(until=record.lease.until, action=action)
    *_, idle = idles.values()
    after = msgspec.structs.replace(record, version=record.version + 1, idle=idle)
    outbox = tuple(
        lease_event(after, LeaseIdled(lease=lease, rank=rank, reason=each.reason), each.at)
        for rank, each in idles.items()
    )
    return msgspec.structs.replace(after, outbox=outbox)


def power_of(record: LeaseRecord, action: LeaseAction, ranks: str) -> Power:
    """Return the command to stop idle machines, as the record that says so wants it."""
    idle = record.idle
    return Power(
        request_id=f"idle-{record.array_id[-12:]}-{record.version}",
        array_id=record.array_id,
        to=PowerTo.HIBERNATED if action is LeaseAction.HIBERNATE else PowerTo.STOPPED,
        ranks=ranks,
        reason=idle.reason if idle else "idle",
        lease_version=record.version,
    )


def asked(verdict: Verdict, timeout: timedelta, now: datetime) -> Idleness:
    """Return what is written when the idle action is asked for."""
    reason = f"idle for {format_duration(timeout)}: {verdict.reason}"
    return Idleness(at=now, reason=reason, quiet_since=verdict.quiet_since, asked_at=now)


def not_before(*records: LeaseRecord | None) -> datetime | None:
    """Return since when quiet may count; None where nobody has changed a lease."""
    idles = [record.idle for record in records if record is not None and record.idle is not None]
    return max((idle.counts_from for idle in idles if idle.counts_from is not None), default=None)


def may_ask(idle: Idleness | None, now: datetime) -> bool:
    """Say whether idle machines may be asked to stop: not again while they are about to."""
    return idle is None or idle.asked_at is None or now - idle.asked_at >= _ASK_AGAIN
