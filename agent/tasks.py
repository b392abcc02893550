"""Tasks that live and die together: what Python 3.11 calls a task group."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN = 1.0
"""Seconds after which a task that has not ended is cancelled again."""


class Tasks:
    """A set of tasks with one end: the first failure, or `close`."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` beside the others."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or self._failed.done():
            return
        error = task.exception()
        if error is not None:
            self._failed.set_exception(error)

    async def until(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set; raise what the first task that fails has raised."""
        waiting = asyncio.get_running_loop().create_task(stop.wait())
        try:
            await asyncio.wait({waiting, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._failed.done():
            self._failed.result()

    async def close(self) -> None:
        """Cancel all tasks and wait for their ends."""
        left = set(self._running)
        while left:
            for task in left:
                task.cancel()
            # More than once: Python's wait_for loses what comes as its own wait is over
            # (https://github.com/python/cpython/issues/86296).
            _, left = await asyncio.wait(left, timeout=_AGAIN)
        if self._failed.done():
            self._failed.exception()
        else:
            self._failed.cancel()


class Hold:
    """Something that others wait for as long as anybody has it."""

    def __init__(self) -> None:
        self._count = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def taken(self) -> Generator[None, None, None]:
        """Have it inside the block."""
        self._count += 1
        self._free.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._free.set()

    async def until_free(self) -> None:
        """Wait until nobody has it."""
        await self._free.wait()


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` does; None, and `work` is cancelled, when `event` is set before."""
    loop = asyncio.get_running_loop()
    working, setting = loop.create_task(work), loop.create_task(event.wait())
    try:
        await asyncio.wait({working, setting}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        setting.cancel()
        await asyncio.gather(working, setting, return_exceptions=True)
