"""Keeping one process running: start, wait until it is ready, start again when it died."""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from spawn.clock import Clock
from spawn.errors import Rejected, Transient
from spawn.runtime.home import ChildState
from spawn.runtime.processes import is_alive, send
from spawn.runtime.supervisor.backoff import STEADY, restart_delay
from spawn.runtime.supervisor.board import Board
from spawn.runtime.supervisor.launch import Running, end, start, tail
from spawn.runtime.supervisor.specs import Spec
from spawn.telemetry.log import get_logger

_LOG = get_logger(__name__)
_POLL = timedelta(milliseconds=20)

_MISUSED = "ended with exit 2"
"""How a process ends whose settings are wrong (`spawn.runtime.run.MISUSED`)."""


@dataclass(frozen=True)
class Care:
    """What every child is kept with."""

    clock: Clock
    board: Board
    start_within: timedelta
    drain_within: timedelta
    leave: Callable[[], None]
    """Called when nothing can be started any more, because the state folder is gone."""


class Child:
    """One process, by the recipe that `spec` returns anew for every start."""

    def __init__(
        self,
        spec: Callable[[], Spec],
        *,
        is_ready: Callable[[Running], Awaitable[bool]],
        care: Care,
        found: Running | None = None,
    ) -> None:
        self._spec = spec
        self._is_ready = is_ready
        self._care = care
        self._running = found
        self._restarts = 0
        self._last_exit = ""
        self.ready = asyncio.Event()
        self.outlives_us = found is not None
        """Set: this process is left running when we end."""

    async def keep(self) -> None:
        """Keep it running until cancelled, then end it.

        Raises `Transient` when it does not become ready the first time, `Rejected` with its own
        last words when that is for what it was told.
        """
        clock, deaths = self._care.clock, 0
        try:
            while True:
                born = clock.monotonic()
                self._last_exit = await self._live()
                self._running = None
                self._restarts += 1
                lived = timedelta(seconds=clock.monotonic() - born)
                deaths = 1 if lived >= STEADY else deaths + 1
                await clock.sleep(restart_delay(deaths, jitter=random.random()))  # noqa: S311 - only spreads load
        finally:
            if self._running is not None and not self.outlives_us:
                await end(self._running, clock, grace=self._care.drain_within)

    def renew(self) -> None:
        """Have the process end and start anew by its present recipe."""
        if self._running is not None:
            send(self._running.ref, signal.SIGTERM)

    async def _live(self) -> str:
        """See it through one life; return how that ended."""
        spec = self._spec()
        try:
            running = self._running = self._running or await self._start(spec)
        except Transient as error:
            if not self.ready.is_set():
                raise
            return error.message
        self._note(spec, running, ready=False)
        failure = await self._failure_to_start(running)
        if failure and not self.ready.is_set():
            if failure == _MISUSED:
                raise Rejected(_last_words(spec))
            raise Transient(_explain(spec, failure), code="StartFailed")
        if not failure:
            self._note(spec, running, ready=True)
            self.ready.set()
        how = failure or await running.ended(self._care.clock)
        _LOG.warning("process ended", process=spec.name, how=how)
        return how

    async def _start(self, spec: Spec) -> Running:
        if not self._care.board.is_ours():
            self._care.leave()
            await asyncio.Event().wait()  # for the cancellation that leaving brings
        return start(spec)

    async def _failure_to_start(self, running: Running) -> str:
        """Wait until it is ready; return why it is not, or nothing when it is."""
        care = self._care
        try:
            async with asyncio.timeout(care.start_within.total_seconds()):
                while not await self._is_ready(running):
                    if not is_alive(running.ref):
                        return f"ended with {await running.ended(care.clock)}"
                    await care.clock.sleep(_POLL)
        except TimeoutError:
            if not self.outlives_us:
                await end(running, care.clock, grace=care.drain_within)
            return f"was not ready within {care.start_within.total_seconds():.0f} s"
        return ""

    def _note(self, spec: Spec, running: Running, *, ready: bool) -> None:
        self._care.board.change_child(
            ChildState(
                name=spec.name,
                process=running.ref,
                services=spec.services,
                ready=ready,
                restarts=self._restarts,
                last_exit=self._last_exit,
            )
        )


@asynccontextmanager
async def kept(children: Sequence[Child]) -> AsyncGenerator[None]:
    """Keep these running inside the block, which is entered when all are ready."""
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(child.keep()) for child in children]
        for child in children:
            await child.ready.wait()
        yield
        for task in keeping:
            task.cancel()


def _last_words(spec: Spec) -> str:
    return tail(spec.log).rpartition("\n")[2]


def _explain(spec: Spec, failure: str) -> str:
    return f"{spec.name} {failure}; the end of {spec.log}:\n{tail(spec.log)}"
