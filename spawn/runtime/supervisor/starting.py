"""`spawn up`, without its words: start a supervisor and wait until everything is ready."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from spawn.clock import Clock
from spawn.errors import Conflict, Rejected, Transient
from spawn.runtime.home import ControlState, Home, running
from spawn.runtime.processes import is_alive, send, wait_all_gone, wait_gone
from spawn.runtime.settings import environment, load
from spawn.runtime.supervisor import launch, recovery
from spawn.runtime.supervisor.deployment import deployment_id
from spawn.runtime.supervisor.folders import prepare
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.launch import Running
from spawn.runtime.supervisor.report import Busy, Failed, Progress, Ready, Report, decode
from spawn.runtime.supervisor.settings import SupervisorSettings
from spawn.runtime.supervisor.specs import Options, Spec, agent_file

T = TypeVar("T")

_POLL = timedelta(milliseconds=50)
_PROCESSES_IN_A_ROW = 3
"""The bus, the cloud and the services start one after the other, and end so."""

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Up:
    """A control plane that is ready; `supervisor` is None when it ran already."""

    state: ControlState
    supervisor: Running | None = None


class Starter:
    """Brings up the control plane of one state folder."""

    def __init__(self, home: Home, clock: Clock, *, say: Callable[[str], None]) -> None:
        self._home = home
        self._clock = clock
        self._say = say
        settings = load(SupervisorSettings)
        self._start_within = settings.start_timeout * _PROCESSES_IN_A_ROW
        self._end_within = settings.drain_timeout * _PROCESSES_IN_A_ROW

    async def up(self, options: Options, *, detach: bool) -> Up:
        """Return the running control plane, started now if there was none.

        Without `detach` it ends when this process does. Raises `Conflict` when one runs that
        was asked for otherwise, `Rejected` when it can't be as asked, `NotFound` when machines
        would have no agent, `Transient` with the end of a log when something does not start.
        """
        while (await self._other() or await self._end_abandoned()) is None:
            self._check_cloud(options)
            agent_file(environment())
            prepare(self._home)
            started = await self._start(options, detach=detach)
            if started is not None:
                return started
            await self._in_time(self._until_settled())
        return await self._in_time(self._join(options))

    async def end(self, supervisor: Running) -> str:
        """End what `up` has started, and wait until it is gone; return how it ended."""
        return await launch.end(supervisor, self._clock, grace=self._end_within)

    async def _other(self) -> ControlState | None:
        """Return the state of one that runs; wait for one that is ending."""
        while (state := running(self._home)) is not None and state.state == "stopping":
            await wait_gone(state.supervisor, self._clock)
        return state

    async def _end_abandoned(self) -> ControlState | None:
        """End one whose state folder was deleted, but not its cloud.

        Returns the state of one that has begun to run instead.
        """
        left = Footprint(self._home).read()
        if left is None or not is_alive(left.supervisor):
            return None
        # Looked at again: a supervisor writes the state folder first, then the footprint.
        if (other := running(self._home)) is not None:
            return other
        self._say("the state folder was deleted: ending the control plane that used it")
        send(left.supervisor, signal.SIGUSR1)
        if not await asyncio.to_thread(
            wait_all_gone, (left.supervisor,), timeout=self._end_within
        ):
            send(left.supervisor, signal.SIGKILL)
            await wait_gone(left.supervisor, self._clock)
        return None

    def _check_cloud(self, options: Options) -> None:
        left = recovery.find(self._home, Footprint(self._home))
        if options.mode == "aws" and left.cloud is not None:
            raise Rejected(
                f"a laptop cloud of an earlier run is still there (pid {left.cloud.pid}): take it"
                " over with `spawn up --sandbox`, or end it with `spawn down`"
            )

    async def _in_time(self, waiting: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._start_within.total_seconds()):
                return await waiting
        except TimeoutError as error:
            raise Transient(self._explain("did not become ready in time")) from error

    async def _until_settled(self) -> None:
        """Wait until whoever holds the lock has begun to run, or has let go of it."""
        while running(self._home) is None:
            with suppress(Conflict), Footprint(self._home).locked():
                return
            await self._clock.sleep(_POLL)

    async def _start(self, options: Options, *, detach: bool) -> Up | None:
        """Start a supervisor and wait; None when another one was faster."""
        supervisor, reports = self._launch(options, detach=detach)
        try:
            async with asyncio.timeout(self._start_within.total_seconds()):
                last = await self._last_of(reports)
        except BaseException as error:
            await self.end(supervisor)
            if isinstance(error, TimeoutError):
                raise Transient(self._explain("did not become ready in time")) from error
            raise
        match last:
            case Ready():
                return Up(self._state(), supervisor)
            case Busy():
                return None
            case Failed(message=message, rejected=True):
                await supervisor.ended(self._clock)
                raise Rejected(message)
            case Failed(message=message):
                await supervisor.ended(self._clock)
                raise Transient(message, code="StartFailed")
            case None | Progress():
                how = await supervisor.ended(self._clock)
                raise Transient(self._explain(f"ended with {how}"), code="StartFailed")

    def _launch(self, options: Options, *, detach: bool) -> tuple[Running, int]:
        """Start the supervisor; return it and the end of the pipe that its reports come from."""
        reading, writing = os.pipe()
        try:
            spec = _spec(self._home, options, report=writing, tethered=not detach)
            return launch.start(spec, passing=(writing,)), reading
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)

    async def _last_of(self, reports: int) -> Report | None:
        """Read reports until the last; None when they end before."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reports, "rb")
        )
        with closing(transport):
            async for line in reader:
                report = decode(line)
                if not isinstance(report, Progress):
                    return report
                self._say(f"starting the {report.text}")
        return None

    async def _join(self, options: Options) -> Up:
        """Wait until the one that somebody else started is ready; it must be as asked."""
        seen: ControlState | None = None
        while (state := running(self._home)) is None or state.state != "ready":
            if seen is not None and not is_alive(seen.supervisor):
                raise Transient("the control plane ended meanwhile: run `spawn up` again")
            seen = state or seen
            await self._clock.sleep(_POLL)
        self._compare(state, options)
        return Up(state)

    def _compare(self, state: ControlState, options: Options) -> None:
        deployment = deployment_id(self._home)
        asked = (options.mode, options.isolate, deployment)
        if asked != (state.mode, state.isolate, state.deployment):
            raise Conflict(
                f"another control plane runs (pid {state.supervisor.pid}):"
                f" {_describe(state.mode, state.deployment, isolate=state.isolate)}, but"
                f" {_describe(options.mode, deployment, isolate=options.isolate)} was asked for;"
                " end it with `spawn down` first"
            )

    def _state(self) -> ControlState:
        state = running(self._home)
        if state is None:
            raise Transient(self._explain("ended as soon as it was ready"))
        return state

    def _explain(self, what: str) -> str:
        log = self._home.log(SUPERVISOR)
        return f"the supervisor {what}; the end of {log}:\n{launch.tail(log)}"


def _spec(home: Home, options: Options, *, report: int, tethered: bool) -> Spec:
    argv = [sys.executable, "-P", "-m", "spawn.runtime.supervisor", "--report", str(report)]
    argv += ["--sandbox"] if options.mode == "sandbox" else []
    argv += ["--isolate"] if options.isolate else []
    return Spec(
        name=SUPERVISOR,
        argv=tuple(argv),
        env={**environment(), "SPAWN_HOME": str(home.root)},
        log=home.log(SUPERVISOR),
        tethered=tethered,
    )


def _describe(mode: str, deployment: str, *, isolate: bool) -> str:
    cloud = "the laptop cloud" if mode == "sandbox" else "AWS"
    processes = "a process per service" if isolate else "all services in one process"
    return f"{cloud}, {processes}, deployment {deployment}"
