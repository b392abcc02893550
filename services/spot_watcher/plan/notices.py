"""One notice of an instance and action: what is new in what was heard, and what is told of it."""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from services.spot_watcher.model import Amend, Create, Heard, Holder, Renew, Repeat, Steps
from spawn.contracts.assignments import Tell
from spawn.contracts.events import (
    Data,
    Event,
    NoticeInterruption,
    NoticeMaintenance,
    NoticeRebalance,
    event_id,
)
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, NoticeSource, Told

SAME_OCCASION = timedelta(minutes=10)
"""How long after its instant a notice is still the one that was given before: an instance that
was stopped and runs again can be taken away again."""

DUPLICATES = timedelta(minutes=25)
"""Age up to which an event may be published again: below the stream's window of 30 minutes."""

_KEPT = timedelta(hours=1)
"""How long a notice of an array that is over is kept: messages that repeat it still come."""

_REPEATABLE = frozenset({NoticeAction.STOP, NoticeAction.HIBERNATE})


def decide(
    heard: Heard, holder: Holder, known: Notice | None, *, deployment: str, now: datetime
) -> Steps:
    """Say what becomes of a notice's record, now that this was heard."""
    if known is None:
        first = _record(heard, holder, version=1, now=now)
        return Create(record=_with_event(first, deployment, now), reason="first heard of it")
    if _is_another_occasion(heard, known):
        again = _record(heard, holder, version=known.version + 1, now=now)
        return Renew(record=_with_event(again, deployment, now), reason="it happens again")
    amended = msgspec.structs.replace(
        known, sources=_sources(known, heard), dies_at=_instant(known, heard)
    )
    if amended == known:
        return Repeat(record=known, reason="known")
    # The event was for the occasion: a second source or an instant that is more exact has none.
    amended = msgspec.structs.replace(amended, version=known.version + 1)
    return Amend(record=amended, reason="more is known of it")


def may_be_missing(record: Notice, now: datetime) -> bool:
    """Say whether events of the record may not be on the bus yet, after a crash."""
    return any(now - event.time < DUPLICATES for event in record.outbox)


def is_past(record: Notice, now: datetime, *, is_over: bool) -> bool:
    """Say whether a notice may be forgotten: its array `is_over`, and nothing is under way."""
    return is_over and now - max(record.noticed_at, record.dies_at or record.noticed_at) > _KEPT


def tell_of(record: Notice) -> Tell:
    """Return what machines are told of a notice."""
    return Tell(
        what="notice",
        notice=Told(
            instance_id=record.instance_id,
            rank=record.rank,
            generation=record.generation,
            kind=record.kind,
            action=record.action,
            dies_at=record.dies_at,
        ),
    )


def _is_another_occasion(heard: Heard, known: Notice) -> bool:
    if heard.kind is not NoticeKind.INTERRUPTION or heard.action not in _REPEATABLE:
        return False
    return heard.at > (known.dies_at or known.noticed_at) + SAME_OCCASION


def _record(heard: Heard, holder: Holder, *, version: int, now: datetime) -> Notice:
    return Notice(
        array_id=holder.array_id,
        rank=holder.rank,
        generation=holder.generation,
        instance_id=heard.instance_id,
        kind=heard.kind,
        action=heard.action,
        noticed_at=now,
        dies_at=heard.dies_at,
        sources=(heard.source,),
        code=heard.code,
        version=version,
    )


def _sources(known: Notice, heard: Heard) -> tuple[NoticeSource, ...]:
    return known.sources if heard.source in known.sources else (*known.sources, heard.source)


def _instant(known: Notice, heard: Heard) -> datetime | None:
    """Return when it happens: as the metadata service says, which names the instant."""
    is_exact = heard.source is NoticeSource.METADATA or heard.kind is NoticeKind.MAINTENANCE
    return heard.dies_at if is_exact and heard.dies_at is not None else known.dies_at


def _with_event(record: Notice, deployment: str, now: datetime) -> Notice:
    data = _event_data(record)
    event = Event(
        id=event_id(record.array_id, data, f"{record.action}-{record.version}"),
        array_id=record.array_id,
        source=f"/spawn/{deployment}/spot_watcher",
        time=now,
        data=data,
    )
    return msgspec.structs.replace(record, outbox=(event,))


def _event_data(record: Notice) -> Data:
    who = {"rank": record.rank, "generation": record.generation}
    match record.kind:
        case NoticeKind.INTERRUPTION:
            return NoticeInterruption(
                **who,
                instance_id=record.instance_id,
                action=record.action.value,
                until=record.dies_at or record.noticed_at,
            )
        case NoticeKind.REBALANCE:
            return NoticeRebalance(**who, instance_id=record.instance_id)
        case NoticeKind.MAINTENANCE:
            return NoticeMaintenance(
                **who,
                instance_id=record.instance_id,
                action=record.action.value,
                until=record.dies_at,
                code=record.code,
            )
        case _:
            assert_never(record.kind)
