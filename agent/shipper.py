"""Sends the spool to the bus, from the acknowledged position on, each line once and in order.

One block is under way at a time, and its bounds are on disk before it goes: whoever sends it again
sends the same lines under the same id. So the rate is one block of 64 kB a round trip, at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from agent import places
from agent.clock import Clock
from agent.console import say
from agent.lines import LARGEST_BLOCK, Block, Cutter
from agent.link import Away, Refused
from agent.spool import SpoolReader
from agent.subjects import Subjects

RATE = 16 * 1024 * 1024
"""Bytes a second that are sent at most; a faster job fills its spool instead."""

_LINGER = timedelta(milliseconds=100)
_RETRY = timedelta(seconds=1)


class Store(Protocol):
    """Where output goes, as soon as it is `open`: the link to the bus."""

    open: asyncio.Event

    async def store(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return once the message is stored; raises `Away` and `Refused`."""
        ...


@dataclass
class Progress:
    """What was acknowledged: bytes and lines; `pending` lines were sent and may have arrived."""

    generation: int
    position: int = 0
    line: int = 0
    pending: int = 0


@dataclass(frozen=True)
class Source:
    """Whose output it is."""

    subjects: Subjects
    rank: int
    generation: int


class Shipper:
    """Follows one spool for one member."""

    def __init__(self, where: places.Places, source: Source, clock: Clock) -> None:
        self._file = where.job / "shipped.json"
        self._spool = SpoolReader(where.spool)
        self._source = source
        self._clock = clock
        self._progress = load_progress(self._file, source.generation)
        self._ended_at: int | None = None
        self._advanced = asyncio.Condition()
        self._fast_until = 0.0

    def end_at(self, position: int) -> None:
        """Note that the job has ended there: a line without an end has its end there."""
        self._ended_at = position

    async def until_shipped(self, position: int, *, patience: timedelta) -> bool:
        """Wait until everything before `position` is acknowledged; return whether it is.

        Gives up when nothing is acknowledged for as long as `patience`.
        """
        async with self._advanced:
            while self._progress.position < position:
                if not await self._advances(patience):
                    return False
        return True

    async def part(self, *, patience: timedelta) -> None:
        """Wait until what is in the spool now is acknowledged, for as long as that moves."""
        end = await asyncio.to_thread(self._spool.end)
        await self.until_shipped(end, patience=patience)

    async def _advances(self, within: timedelta) -> bool:
        try:
            return await asyncio.wait_for(self._advanced.wait(), within.total_seconds())
        except asyncio.TimeoutError:
            return False

    async def run(self, link: Store) -> None:
        """Send what there is and what comes, for ever."""
        while True:
            block = await self._next_block()
            await self._send(block, link)
            await asyncio.to_thread(self._acknowledge, block)
            async with self._advanced:
                self._advanced.notify_all()
            await self._pace(len(block.data))

    async def _next_block(self) -> Block:
        cutter, position = Cutter(), self._progress.position
        pending, lingered = self._progress.pending, False
        while True:
            data = await asyncio.to_thread(self._spool.read, position, LARGEST_BLOCK)
            position += cutter.feed(data, pending)
            if self._is_end(position):
                cutter.close()
            if cutter.is_full or cutter.count >= pending > 0:
                break
            if lingered and cutter.count and not pending:
                break
            if len(data) < LARGEST_BLOCK:
                lingered = cutter.count > 0
                await self._clock.sleep(_LINGER)
        block = cutter.block()
        await asyncio.to_thread(self._note_pending, block)
        return block

    def _is_end(self, position: int) -> bool:
        return position == self._ended_at

    def _note_pending(self, block: Block) -> None:
        self._progress.pending = block.lines
        self._save()

    def _acknowledge(self, block: Block) -> None:
        self._progress.position += block.taken
        self._progress.line += block.lines
        self._progress.pending = 0
        self._save()
        self._spool.forget(self._progress.position)

    def _save(self) -> None:
        places.write_json(self._file, vars(self._progress))

    async def _send(self, block: Block, link: Store) -> None:
        source, first = self._source, self._progress.line
        subject = source.subjects.log(source.rank)
        array_id = source.subjects.array_id
        headers = {
            "Nats-Msg-Id": f"{array_id}/{source.rank}/{source.generation}/{first}",
            "spawn-generation": str(source.generation),
            "spawn-first-line": str(first),
            "spawn-lines": str(block.lines),
            "spawn-instance": source.subjects.instance_id,
        }
        while True:
            await link.open.wait()
            try:
                await link.store(subject, block.data, headers)
            except (Away, Refused) as error:
                say(f"output waits: {error}")
                await self._clock.sleep(_RETRY)
            else:
                return

    async def _pace(self, size: int) -> None:
        now = self._clock.monotonic()
        self._fast_until = max(self._fast_until, now) + size / RATE
        if self._fast_until > now + _LINGER.total_seconds():
            await self._clock.sleep(timedelta(seconds=self._fast_until - now))


def load_progress(file: Path, generation: int) -> Progress:
    """Return how far a generation's output has come."""
    saved = places.read_json(file)
    if saved is None or saved["generation"] != generation:
        return Progress(generation)
    return Progress(**saved)
