"""An event loop whose time passes as soon as everything waits: hours in milliseconds.

`asyncio.sleep`, `asyncio.timeout` and a `WarpClock` all follow it. It does no input or output.
"""

import asyncio
import selectors
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class StuckError(AssertionError):
    """Everything waits, and for something else than time."""


class WarpLoop(asyncio.SelectorEventLoop):
    """A loop for fakes alone: what would wait for a socket raises `StuckError`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(_Warp(self))

    def time(self) -> float:
        return self.seconds

    def run_for(self, duration: timedelta) -> None:
        """Let `duration` pass."""
        self.run_until_complete(asyncio.sleep(duration.total_seconds()))  # noqa: TID251 - the loop's own time


class WarpClock:
    """A `Clock` of the loop's time, which began at noon."""

    def __init__(self, loop: WarpLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._loop.seconds)

    def monotonic(self) -> float:
        return self._loop.seconds

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds()))  # noqa: TID251 - the loop's own time


class _Warp(selectors.BaseSelector):
    """Keeps the loop's own pipe, and lets its time pass instead of waiting for it."""

    def __init__(self, loop: WarpLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StuckError("everything waits for something that is not time")
        self._loop.seconds += max(0.0, timeout)
        return []

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()
