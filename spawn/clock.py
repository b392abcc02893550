"""The only reader of time: everything else is handed a `Clock`."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and waiting, as one port."""

    def now(self) -> datetime:
        """Return the wall clock as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait for `duration`; a negative one only yields to the loop."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall clock as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Wait for `duration`; a negative one only yields to the loop."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


def processor_seconds() -> float:
    """Return the processor time that this process has used, in all its threads."""
    return time.process_time()


async def wait_event(event: asyncio.Event, duration: timedelta) -> bool:
    """Wait until `event` is set, for `duration` at most; return whether it was set."""
    try:
        async with asyncio.timeout(duration.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
