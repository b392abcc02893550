"""The order of things: the bus, the cloud, the services; and back."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from spawn.clock import Clock
from spawn.runtime.home import ControlState, Home
from spawn.runtime.processes import is_alive
from spawn.runtime.supervisor import nats_server, specs
from spawn.runtime.supervisor.board import Board
from spawn.runtime.supervisor.child import Care, Child, kept
from spawn.runtime.supervisor.cloud import CloudRecipe
from spawn.runtime.supervisor.folders import clear_cloud
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.launch import Running
from spawn.runtime.supervisor.readiness import bus_is_ready, host_is_ready
from spawn.runtime.supervisor.recovery import Leftovers
from spawn.runtime.supervisor.report import Progress, Ready, Reporter
from spawn.runtime.supervisor.settings import SupervisorSettings
from spawn.runtime.supervisor.specs import CLOUD, Options

_FRESHEN_EVERY = timedelta(hours=6)


@dataclass(frozen=True)
class Ground:
    """What the supervisor stands on."""

    home: Home
    footprint: Footprint
    leftovers: Leftovers
    env: Mapping[str, str]
    clock: Clock
    reporter: Reporter


class Supervisor:
    """Keeps one control plane running until it is told to end."""

    def __init__(
        self, options: Options, state: ControlState, ground: Ground, settings: SupervisorSettings
    ) -> None:
        self._options = options
        self._ground = ground
        self._stop = asyncio.Event()
        self._board = Board(ground.home, ground.footprint, state)
        self._care = Care(
            clock=ground.clock,
            board=self._board,
            start_within=settings.start_timeout,
            drain_within=settings.drain_timeout,
            leave=self.leave,
        )
        self._hosts = [
            self._host(name, services)
            for name, services in specs.groups(state.services, isolate=options.isolate).items()
        ]
        recipe = CloudRecipe(ground.home, env=ground.env, care=self._care, on_new=self._renew)
        self._cloud = recipe.child(ground.leftovers)
        self._cloud_stays = False

    async def run(self) -> None:
        """Run until `end` or `leave`; what was started is gone when this returns.

        Raises an `ExceptionGroup` of `Transient` when something does not start.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(self._serve())
                await self._stop.wait()
                self._cloud.outlives_us = self._cloud_stays
                self._board.change(state="stopping")
                serving.cancel()
        finally:
            self._tidy()

    def end(self) -> None:
        """End everything."""
        self._stop.set()

    def leave(self) -> None:
        """End everything but the cloud, for another supervisor to take it over."""
        self._cloud_stays = True
        self._stop.set()

    async def _serve(self) -> None:
        tell = self._ground.reporter.tell
        async with AsyncExitStack() as stack:
            tell(Progress("bus"))
            await stack.enter_async_context(kept([self._bus()]))
            if self._options.mode == "sandbox":
                tell(Progress("laptop cloud"))
                await stack.enter_async_context(kept([self._cloud]))
            tell(Progress("services"))
            await stack.enter_async_context(kept(self._hosts))
            self._board.change(state="ready")
            tell(Ready())
            while True:
                self._ground.footprint.keep_fresh()
                await self._ground.clock.sleep(_FRESHEN_EVERY)

    def _bus(self) -> Child:
        ground, monitor = self._ground, self._board.state.monitor_url
        spec = specs.bus(ground.home, binary=nats_server.binary(), env=ground.env)

        async def is_ready(_: Running) -> bool:
            return await bus_is_ready(monitor)

        return Child(lambda: spec, is_ready=is_ready, care=self._care)

    def _host(self, name: str, services: tuple[str, ...]) -> Child:
        run_file = self._ground.home.run_file(name)

        async def is_ready(running: Running) -> bool:
            return await host_is_ready(run_file, pid=running.ref.pid)

        return Child(partial(self._host_spec, name, services), is_ready=is_ready, care=self._care)

    def _host_spec(self, name: str, services: tuple[str, ...]) -> specs.Spec:
        ground, state = self._ground, self._board.state
        env = specs.service_env(ground.env, ground.home, state=state)
        return specs.host(ground.home, name, services, env=env)

    def _renew(self) -> None:
        """Start the services anew: the cloud that they were started for is another one now."""
        for host in self._hosts:
            host.renew()

    def _tidy(self) -> None:
        cloud = self._board.state.child(CLOUD)
        cloud_lives = cloud is not None and is_alive(cloud.process)
        if self._options.mode == "sandbox" and not cloud_lives and self._board.is_ours():
            clear_cloud(self._ground.home)
        self._board.clear(cloud_lives=cloud_lives)


def listen_for_signals(supervisor: Supervisor) -> None:
    """SIGTERM and SIGINT end everything; SIGUSR1 leaves the cloud behind."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, supervisor.end)
    loop.add_signal_handler(signal.SIGINT, supervisor.end)
    loop.add_signal_handler(signal.SIGUSR1, supervisor.leave)
