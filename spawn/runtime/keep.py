"""Keeping a part of a process alive: what ends is started again, later each time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from spawn.bus.backoff import delays
from spawn.clock import Clock, wait_event
from spawn.errors import Rejected
from spawn.runtime import metrics
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_FIRST_DELAY = timedelta(milliseconds=200)
_LONGEST_DELAY = timedelta(seconds=30)
_HEALTHY_AFTER = timedelta(minutes=1)


class Final(Exception):  # noqa: N818 - what became of the work, which nothing but people can mend
    """Raised by work that no other run would make right: `rejection` says what to change."""

    def __init__(self, rejection: Rejected) -> None:
        super().__init__(rejection.message)
        self.rejection = rejection


async def keep(
    part: str, work: Callable[[], Awaitable[None]], *, stop: asyncio.Event, clock: Clock
) -> None:
    """Run `work`, and when it returns or raises run it again, until `stop` is set.

    The waits between grow to half a minute, and begin anew once it has run for a minute. Raises
    `Final` when `work` does.
    """
    waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
    metrics.RESTARTS.labels(part)  # at zero from its start on
    while not stop.is_set():
        started = clock.monotonic()
        try:
            await work()
        except Final:
            raise
        except Exception as error:  # noqa: BLE001 - one part's failure must not end the others
            _log.error("part failed", part=part, exc_info=error)
        if stop.is_set():
            return
        metrics.RESTARTS.labels(part).inc()
        if clock.monotonic() - started > _HEALTHY_AFTER.total_seconds():
            waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
        await wait_event(stop, next(waits))
