"""The process: everything put together, listening, announced, and drained again."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex, token_urlsafe

import msgspec
from aiohttp import web

from sandbox import moto_queues, moto_speed
from sandbox.admin import Admin
from sandbox.behaviour import MachineMode, Machines, Scenario
from sandbox.behaviours import Behaviours
from sandbox.credentials import Credentials
from sandbox.ec2 import lifecycle, wrappers
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.timeline import Timeline
from sandbox.events import Ec2Events
from sandbox.front import Front, Parts
from sandbox.interrupting import InterruptionRoutes
from sandbox.longpoll import LongPolls
from sandbox.machines import network
from sandbox.machines.fleet import Fleet, Ground, hollow_because
from sandbox.machines.listing import MachineRoutes
from sandbox.moto_server import MotoServer
from sandbox.naming import Named, naming
from sandbox.request import DEFAULT_REGION
from spawn.clock import SystemClock, wait_event
from spawn.runtime.settings import environment
from spawn.telemetry.log import get_logger

ANNOUNCEMENT = "sandbox.json"
_BODY_LIMIT = 256 * 1024 * 1024
_BATCH = 200
"""Timers done in one go of moto's thread, so that calls get their turn between."""
_FAR = timedelta(hours=1)
_DRAIN_SECONDS = 5.0

_log = get_logger(__name__)


class Options(msgspec.Struct, frozen=True):
    """How the process was started."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    scenario: Scenario = Scenario()
    machines: MachineMode | None = None
    """In place of what the scenario says."""


class Sandbox:
    """The laptop cloud of one process."""

    def __init__(self, scenario: Scenario) -> None:
        clock, loop = SystemClock(), asyncio.get_running_loop()
        randomness = random.Random()  # noqa: S311  spreads delays, hides nothing
        self.clock = clock
        self._changed = asyncio.Event()
        self.moto = MotoServer()
        self.polls = LongPolls(self.moto, clock)
        # Both are called in moto's thread.
        sooner = partial(loop.call_soon_threadsafe, self._changed.set)
        sent = partial(loop.call_soon_threadsafe, self.polls.wake)
        timeline = Timeline(on_sooner=sooner)
        events = Ec2Events(clock, timeline, randomness=randomness, on_sent=sent)
        self.cloud = Cloud(clock, randomness=randomness, on_state=events, timeline=timeline)
        events.follow(self.cloud)
        self.credentials = Credentials(f"AKIA{token_hex(8).upper()}", token_urlsafe(30), clock)
        self.behaviours = Behaviours(self.cloud, scenario, randomness=randomness)
        parts = Parts(self.cloud, self.moto, self.behaviours, self.polls, self.credentials, clock)
        self.front = Front(parts)
        self.admin = Admin(self.front, self.cloud, self.behaviours, self.moto)

    def application(self, fleet: Fleet) -> web.Application:
        """Return the aiohttp application: admin API first, everything else is AWS."""
        application = web.Application(client_max_size=_BODY_LIMIT)
        routes = MachineRoutes(fleet.instances, self.cloud, self.moto, touched=self.touch)
        routes.add(application, check=self.admin.check)
        InterruptionRoutes(self.cloud, self.moto).add(application, check=self.admin.check)
        self.admin.add_routes(application)
        application.router.add_route("*", "/{tail:.*}", self.admin.or_aws)
        return application

    async def keep_time(self) -> None:
        """Do what is due, for ever: the only timer of all instances."""
        while True:
            self._changed.clear()
            due = self.cloud.timeline.next_due()
            left = _FAR if due is None else timedelta(seconds=due - self.clock.monotonic())
            if left > timedelta(0):
                await wait_event(self._changed, left)
                continue
            await self.moto.run(lambda: lifecycle.advance(self.cloud, at_most=_BATCH))

    def touch(self) -> None:
        """Let whoever waits look again: an instance has changed."""
        self._changed.set()
        self.polls.wake()

    def drain(self) -> None:
        """Let waiting calls end."""
        self.front.stopping.set()
        self.polls.stop()


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with serve(options) as endpoint:
        _log.info("listening", endpoint=endpoint)
        await ended.wait()
        _log.info("draining")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        # Told twice to end, it still ends with 0.
        signal.signal(number, signal.SIG_IGN)


@asynccontextmanager
async def serve(options: Options) -> AsyncGenerator[str]:
    """Listen and announce the endpoint in the state folder; drain and withdraw it at the end."""
    announcement = options.state / ANNOUNCEMENT
    # What a killed sandbox left must not be taken for this one.
    announcement.unlink(missing_ok=True)
    sandbox = Sandbox(_scenario(options))
    restore = moto_speed.install()
    restore_queues = moto_queues.install(SystemClock())
    uninstall = wrappers.install(sandbox.cloud)
    fleet, unplug = _fleet(options, sandbox)
    runner = web.AppRunner(
        sandbox.application(fleet),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_DRAIN_SECONDS,
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    port = runner.addresses[0][1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    endpoint = f"http://{host}:{port}"
    fleet.endpoint = endpoint
    try:
        async with (
            naming(options.state, options.host, cloud=sandbox.cloud, moto=sandbox.moto) as named,
            asyncio.TaskGroup() as group,
            fleet.running(),
        ):
            _announce(announcement, sandbox, endpoint, named)
            timers = group.create_task(sandbox.keep_time())
            yield endpoint
            sandbox.drain()
            await runner.cleanup()
            timers.cancel()
    finally:
        announcement.unlink(missing_ok=True)
        sandbox.moto.close()
        unplug()
        uninstall()
        restore_queues()
        restore()


def _scenario(options: Options) -> Scenario:
    """Return the scenario with what the process was started with, as far as this host can."""
    mode = options.machines or options.scenario.machines.mode
    reason = hollow_because() if mode == "real" else ""
    if reason:
        _log.warning("machines are hollow", reason=reason)
        mode = "hollow"
    return msgspec.structs.replace(options.scenario, machines=Machines(mode=mode))


def _fleet(options: Options, sandbox: Sandbox) -> tuple[Fleet, Callable[[], None]]:
    """Put machines behind the instances; call the second result to take them away."""
    ground = Ground(
        state=options.state,
        cloud=sandbox.cloud,
        moto=sandbox.moto,
        behaviours=sandbox.behaviours,
        host=environment(),
    )
    fleet = Fleet(ground, touched=sandbox.touch)
    sandbox.cloud.machines = fleet
    if sandbox.behaviours.machines != "real":
        return fleet, lambda: None
    return fleet, network.install(options.state)


def _announce(path: Path, sandbox: Sandbox, endpoint: str, named: Named) -> None:
    """Write what clients need, whole or not at all, readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(
        {
            "pid": os.getpid(),
            "endpoint": endpoint,
            "region": DEFAULT_REGION,
            "access_key_id": sandbox.credentials.access_key_id,
            "secret_access_key": sandbox.credentials.secret_access_key,
            "admin_token": sandbox.admin.token,
            "metrics_url": f"{endpoint}/metrics",
            "dns_port": named.port,
            "dns_zone_id": named.zone_id,
            "dns_base": named.base,
        }
    )
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    draft.replace(path)
