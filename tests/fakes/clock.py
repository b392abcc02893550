"""A clock whose time only tests move."""

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

_ROUNDS = 40
"""Turns of the event loop after which what could run has run."""


class VirtualClock:
    """Time stands still until `advance` or `finish` moves it from one sleeper to the next."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, duration: timedelta) -> None:
        seconds = duration.total_seconds()
        if seconds <= 0:
            await _yield()
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._numbers), future))
        await future

    def move(self, duration: timedelta) -> None:
        """Let time pass at once, for code that does not wait."""
        self._now += duration
        self._seconds += duration.total_seconds()

    async def advance(self, duration: timedelta) -> None:
        """Let `duration` pass, waking each sleeper at its instant."""
        target = self._seconds + duration.total_seconds()
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            await self._wake_next()
        self.move(timedelta(seconds=target - self._seconds))

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end, moving time whenever all of it sleeps."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            await self.settle()
            while not task.done():
                if not self._sleepers:
                    task.cancel()
                    raise AssertionError("the work waits for something that is not time")
                await self._wake_next()
        return task.result()

    async def settle(self) -> None:
        """Let everything run that can run without time passing."""
        for _ in range(_ROUNDS):
            await _yield()

    async def _wake_next(self) -> None:
        at, _, future = heapq.heappop(self._sleepers)
        self.move(timedelta(seconds=max(0.0, at - self._seconds)))
        if not future.done():
            future.set_result(None)
        await self.settle()


class InstantClock(VirtualClock):
    """Time that passes as soon as somebody sleeps: for work that also waits for a socket."""

    async def sleep(self, duration: timedelta) -> None:
        self.move(max(timedelta(0), duration))
        await _yield()


async def _yield() -> None:
    await asyncio.sleep(0)  # noqa: TID251 - the one place that stands for the loop itself
