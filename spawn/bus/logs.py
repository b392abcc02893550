"""Reading the output of jobs: blocks of lines, in order for each rank."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

import msgspec

from spawn.bus import metrics
from spawn.bus.connection import Bus
from spawn.bus.ordered import Record, Source, read
from spawn.bus.ports import CaughtUp, Restarted
from spawn.contracts.ids import ArrayId
from spawn.contracts.logs import (
    FIRST_LINE,
    GENERATION,
    INSTANCE,
    LINES,
    STREAM,
    Block,
    log_subject,
)
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """A block as it was read, with its place in the stream."""

    block: Block
    stored_at: datetime
    sequence: int


def output_of(
    array_id: ArrayId, ranks: tuple[int, ...] = (), *, since: datetime | None = None
) -> Source:
    """Read the output of these ranks, or of all; what was stored at `since` (aware) or later."""
    filters = tuple(log_subject(array_id, rank) for rank in ranks)
    return Source(
        stream=STREAM,
        filters=filters or (f"spawn.log.{array_id}.*",),
        deliver="by_start_time" if since else "all",
        since=since,
    )


async def follow_output(bus: Bus, source: Source) -> AsyncGenerator[Logged | CaughtUp | Restarted]:
    """Yield each block once, `CaughtUp` once what existed has been yielded, and go on.

    Messages that are no blocks are counted and left out. `Restarted` says that the stream was
    lost: what comes next may have been yielded before. Ends only by being closed; raises
    `Transient` when the connection is closed for good.
    """
    async with aclosing(read(bus, source)) as items:
        async for item in items:
            if not isinstance(item, Record):
                yield item
            elif (logged := _decode(item)) is not None:
                yield logged


def block_headers(block: Block, *, instance: str) -> dict[str, str]:
    """Return the headers that say what a block is."""
    return {
        GENERATION: str(block.generation),
        FIRST_LINE: str(block.first_line),
        LINES: str(block.lines),
        INSTANCE: instance,
    }


def _decode(record: Record) -> Logged | None:
    message = record.message
    rank = message.subject.rpartition(".")[2]
    try:
        block = Block(
            rank=_count(rank),
            generation=_count(message.headers.get(GENERATION, "")),
            first_line=_count(message.headers.get(FIRST_LINE, "")),
            lines=_count(message.headers.get(LINES, "")),
            data=message.data,
        )
    except ValueError as error:
        metrics.UNREADABLE.labels(STREAM).inc()
        _log.warning("not a block of output", subject=message.subject, error=str(error))
        return None
    return Logged(block=block, stored_at=record.place.stored_at, sequence=record.place.sequence)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text[:20]!r} is not a number of 0 or more")
    return int(text[:18])
