"""What becomes of an array's record and members once a call has been answered."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from services.launcher.model import Refused
from services.launcher.plan.acceptance import event_source
from services.launcher.plan.markets import pools_for
from spawn.contracts.arrays import Array, ArrayState, Chunk, Ending, Intent
from spawn.contracts.events import ArrayLaunching, Data, Event, event_id
from spawn.contracts.ids import ClientToken
from spawn.contracts.members import Member
from spawn.contracts.pools import Refusal
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import Cause


def array_event(array: Array, data: Data, now: datetime) -> Event:
    """Make an event that the record `array`, at its own version, causes."""
    return Event(
        id=event_id(array.id, data, array.version),
        array_id=array.id,
        source=event_source(array.deployment),
        time=now,
        data=data,
    )


def member_event(member: Member, data: Data, *, deployment: str, now: datetime) -> Event:
    """Make an event that the record `member`, at its own version, causes."""
    return Event(
        id=event_id(member.array_id, data, member.version),
        array_id=member.array_id,
        source=event_source(deployment),
        time=now,
        data=data,
    )


def advance(array: Array, now: datetime, *data: Data, **changes: object) -> Array:
    """Return the array's next version with `changes`, and `data` as the events that it causes."""
    after = msgspec.structs.replace(array, version=array.version + 1, outbox=(), **changes)
    events = tuple(array_event(after, each, now) for each in data)
    return msgspec.structs.replace(after, outbox=events)


def find_intent(array: Array, token: ClientToken) -> Intent | None:
    """Return the open intent of a token."""
    return next((each for each in array.intents if each.token == token), None)


def settle_launched(
    array: Array, token: ClientToken, filled: Collection[int], *, now: datetime
) -> Array:
    """Close an intent whose call filled ranks; those that it left out wait for another pool."""
    intent = find_intent(array, token)
    if intent is None:
        return array
    asked = parse_ranks(intent.chunk.ranks)
    missing = [rank for rank in asked if rank not in filled]
    if not missing:
        return advance(array, now, intents=_without(array, token))
    refusal = Refusal(
        pool=intent.pool,
        code="InsufficientInstanceCapacity",
        message=f"the pool had {len(filled)} of {len(asked)}",
        asked=len(asked),
        launched=len(filled),
    )
    return _next_pool(array, intent, refusal, ranks=missing, now=now)


def settle_refused(
    array: Array,
    token: ClientToken,
    refused: Refused,
    *,
    made_nothing: bool = True,
    now: datetime,
) -> Array:
    """Close an intent that was refused: climb the ladder, or give the launch up.

    Without capacity for the whole chunk, the same pool is asked once more for as many as it has.
    Successors that can't be had, for whatever reason, leave the rest of the array as it is.
    Unless it is sure that no earlier try `made_nothing`, a launch that is given up leaves the
    intent open, for what it may have made to be found.
    """
    intent = find_intent(array, token)
    if intent is None:
        return array
    if refused.cause is not Cause.CAPACITY and not intent.chunk.is_succession:
        without = token if made_nothing else None
        return give_up(array, refused.code, _advise(refused), now=now, without=without)
    ranks = parse_ranks(intent.chunk.ranks)
    is_capacity = refused.cause is Cause.CAPACITY
    if is_capacity and len(ranks) > 1 and not intent.chunk.partial:
        chunk = _again(intent.chunk, ranks, partial=True, pool_of=intent)
        return advance(array, now, intents=_without(array, token), chunks=_waiting(array, chunk))
    refusal = Refusal(
        pool=intent.pool,
        code=refused.code,
        message=refused.message,
        asked=len(ranks),
        launched=0,
    )
    return _next_pool(array, intent, refusal, ranks=ranks, now=now)


def settle_lost(array: Array, token: ClientToken, *, now: datetime) -> Array:
    """Close an intent whose instances are gone or were never made; its ranks wait again."""
    intent = find_intent(array, token)
    if intent is None:
        return array
    chunk = _again(intent.chunk, parse_ranks(intent.chunk.ranks), partial=False, pool_of=None)
    return advance(array, now, intents=_without(array, token), chunks=_waiting(array, chunk))


def drop_chunk(array: Array, chunk: Chunk, *, now: datetime) -> Array:
    """Leave a chunk's ranks unfilled: no pool is left to ask."""
    return advance(array, now, chunks=tuple(each for each in array.chunks if each != chunk))


def give_up(
    array: Array, code: str, reason: str, *, now: datetime, without: ClientToken | None = None
) -> Array:
    """End a launch that can't succeed; what it made is ended before it counts as failed."""
    intents = array.intents if without is None else _without(array, without)
    if array.ending is not None:
        return advance(array, now, intents=intents)
    return advance(
        array,
        now,
        intents=intents,
        chunks=(),
        state=ArrayState.TERMINATING,
        ending=Ending(state=ArrayState.FAILED, code=code, reason=reason, at=now),
        reason=reason,
    )


def end(array: Array, reason: str, *, now: datetime) -> Array:
    """Begin to end an array as asked: from this write on no intent can be opened."""
    return advance(
        array,
        now,
        chunks=(),
        state=ArrayState.TERMINATING,
        ending=Ending(state=ArrayState.TERMINATED, reason=reason, at=now),
        reason=reason,
    )


def explain_refusals(array: Array) -> str:
    """Say for each pool what it answered."""
    return "; ".join(
        f"{each.pool}: {each.code} ({each.launched} of {each.asked}: {each.message})"
        for each in array.refusals
    )


def _next_pool(
    array: Array, intent: Intent, refusal: Refusal, *, ranks: Iterable[int], now: datetime
) -> Array:
    chunk = _again(intent.chunk, ranks, partial=False, pool_of=None)
    refusals = (*(each for each in array.refusals if each.pool != refusal.pool), refusal)
    if array.ending is not None or array.placement is None:
        return advance(array, now, intents=_without(array, intent.token), refusals=refusals)
    if chunk.is_succession:
        waiting = msgspec.structs.replace(chunk, refused=(*chunk.refused, refusal.pool))
        return advance(
            array,
            now,
            intents=_without(array, intent.token),
            chunks=_waiting(array, waiting),
            refusals=refusals,
        )
    refused = {each.pool for each in refusals}
    allowed = pools_for(array.spec, array.placement, chunk)
    left = tuple(pool for pool in allowed if pool not in refused)
    then = "go to the next pool" if left else "have no pool left"
    data = ArrayLaunching(
        pools=left,
        chunks=len(array.chunks) + 1,
        reason=f"{refusal.pool}: {refusal.message}; ranks {chunk.ranks} {then}",
        refusals=refusals,
    )
    return advance(
        array,
        now,
        data,
        intents=_without(array, intent.token),
        chunks=_waiting(array, chunk),
        refusals=refusals,
    )


def _again(chunk: Chunk, ranks: Iterable[int], *, partial: bool, pool_of: Intent | None) -> Chunk:
    return Chunk(
        number=chunk.number,
        ranks=format_ranks(ranks),
        attempt=chunk.attempt + 1,
        partial=partial,
        pool=pool_of.pool if pool_of else None,
        generation=chunk.generation,
        avoid=chunk.avoid,
        refused=chunk.refused,
    )


def _waiting(array: Array, chunk: Chunk) -> tuple[Chunk, ...]:
    return array.chunks if array.ending is not None else (*array.chunks, chunk)


def _without(array: Array, token: ClientToken) -> tuple[Intent, ...]:
    return tuple(each for each in array.intents if each.token != token)


def _advise(refused: Refused) -> str:
    return f"{refused.code}: {refused.message}" if refused.code else refused.message
