"""Any set of services in one process and one event loop.

In order: health server, bus, streams, services; at the end the other way round. A part that
fails is started again, the others live on; only the loss of the bus for good ends the process,
with exit code 1, for its supervisor to start it again. What is set up wrongly ends it with 2.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from spawn.bus.backoff import delays
from spawn.bus.connection import Bus, connect
from spawn.bus.settings import BusSettings, login
from spawn.bus.streams import ensure
from spawn.clock import Clock, SystemClock, processor_seconds
from spawn.errors import Rejected, Transient
from spawn.runtime import metrics
from spawn.runtime.context import Context, RuntimeSettings
from spawn.runtime.health import Health
from spawn.runtime.hosting import Hosted
from spawn.runtime.http import health_server
from spawn.runtime.keep import Final
from spawn.runtime.service import AnyService
from spawn.runtime.settings import load
from spawn.telemetry import log, tracing

_log = log.get_logger(__name__)

DONE = 0
BUS_LOST = 1
MISUSED = 2

_LAG_EVERY = timedelta(milliseconds=100)
_FIRST_DELAY = timedelta(milliseconds=100)
_LONGEST_DELAY = timedelta(seconds=2)


class _Ended(Exception):  # noqa: N818 - an occasion, not an error
    """Ends everything at once, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(*services: AnyService) -> int:
    """Host the services until SIGTERM or SIGINT; return the exit code."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run_until_signal(services))


async def _run_until_signal(services: tuple[AnyService, ...]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    name = _name(services)
    try:
        log.configure(name, level=load(RuntimeSettings).log_level)
        tracing.configure(name)
        return await host(services, clock=SystemClock(), stop=stop)
    except Rejected as rejection:
        sys.stderr.write(f"{rejection.message}\n")
        return MISUSED


async def host(
    services: tuple[AnyService, ...],
    *,
    clock: Clock,
    stop: asyncio.Event,
    env: Mapping[str, str] | None = None,
) -> int:
    """Host the services until `stop` is set; return the exit code.

    Raises `Rejected` when a setting in `env` (the process' environment by default) is wrong, or
    a service can't be opened with what is set.
    """
    process = _Process(services, clock=clock, stop=stop, env=env)
    code, wrong = DONE, list[Rejected]()
    try:
        await process.work()
    except* _Ended as ended:
        code = _worst(ended)
    except* Final as finals:
        wrong += _rejections(finals)
    for rejection in wrong:
        raise rejection
    return code


class _Process:
    def __init__(
        self,
        services: tuple[AnyService, ...],
        *,
        clock: Clock,
        stop: asyncio.Event,
        env: Mapping[str, str] | None,
    ) -> None:
        self.name = _name(services)
        self.runtime = load(RuntimeSettings, env=env)
        self._services = services
        self._bus_settings = load(BusSettings, env=env)
        self._settings = {each.name: load(each.settings, env=env) for each in services}
        self._replica = self.runtime.replica_id()
        self._health = Health(tuple(each.name for each in services))
        self._clock = clock
        self._stop = stop

    async def work(self) -> None:
        """Serve health, and everything else until stopped."""
        # Said at once and plainly, before anything has begun.
        await asyncio.to_thread(login, self._bus_settings)
        async with health_server(self.name, self.runtime, self._health) as running:
            _log.info("process started", pid=running.pid, ready_url=running.ready_url)
            async with asyncio.TaskGroup() as group:
                helpers = (
                    group.create_task(self._end_late()),
                    group.create_task(_measure_lag(self._clock)),
                )
                await self._on_bus()
                for helper in helpers:
                    helper.cancel()

    async def _on_bus(self) -> None:
        connecting = connect(self._bus_settings, name=self.name, patient=True, clock=self._clock)
        async with connecting as bus:
            self._health.set_bus(bus)
            await self._make_streams(bus)
            async with asyncio.TaskGroup() as group:
                watches = (
                    group.create_task(_end_with(bus)),
                    group.create_task(self._keep_streams(bus)),
                )
                async with asyncio.TaskGroup() as hosting:
                    for service in self._services:
                        hosting.create_task(self._hosted(service, bus).work())
                for watch in watches:
                    watch.cancel()

    async def _keep_streams(self, bus: Bus) -> None:
        """Make the streams again whenever the bus was away: its state may be lost."""
        reconnected = asyncio.Event()
        async with bus.listening(reconnected.set):
            while True:
                await reconnected.wait()
                reconnected.clear()
                await self._make_streams(bus)

    async def _make_streams(self, bus: Bus) -> None:
        waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
        while not self._stop.is_set():
            try:
                await ensure(bus, replicas=self._bus_settings.nats_replicas)
            except Transient as error:
                _log.warning("streams not made yet", why=error.message)
                await self._clock.sleep(next(waits))
            else:
                return

    def _hosted(self, service: AnyService, bus: Bus) -> Hosted:
        context: Context[Any] = Context(
            bus=bus,
            settings=self._settings[service.name],
            clock=self._clock,
            service=service.name,
            deployment=self.runtime.deployment,
            replica=self._replica,
            stopping=self._stop.is_set,
        )
        return Hosted(service, context, health=self._health, stop=self._stop)

    async def _end_late(self) -> None:
        """End what has not ended by itself when its time is over."""
        await self._stop.wait()
        self._health.set_stopping()
        if self._health.is_any_open:
            await self._clock.sleep(self.runtime.drain)
            _log.warning("stopped before all had ended", drain=str(self.runtime.drain))
        raise _Ended(DONE)


async def _end_with(bus: Bus) -> None:
    await bus.closed.wait()
    _log.error("the connection to the bus is closed for good", bus=bus.shown)
    raise _Ended(BUS_LOST)


async def _measure_lag(clock: Clock) -> None:
    longest = held = 0.0
    while True:
        asked, used = clock.monotonic(), processor_seconds()
        await clock.sleep(_LAG_EVERY)
        lag = max(0.0, clock.monotonic() - asked - _LAG_EVERY.total_seconds())
        longest = max(longest, lag)
        held = max(held, min(lag, processor_seconds() - used))
        metrics.LOOP_LAG.observe(lag)
        metrics.LOOP_LAG_MAX.set(longest)
        metrics.LOOP_HELD_MAX.set(held)


def _name(services: tuple[AnyService, ...]) -> str:
    return ",".join(service.name for service in services)


def _worst(ended: BaseExceptionGroup[_Ended]) -> int:
    codes = (
        _worst(each) if isinstance(each, BaseExceptionGroup) else each.code
        for each in ended.exceptions
    )
    return max(codes)


def _rejections(finals: BaseExceptionGroup[Final]) -> Iterator[Rejected]:
    for each in finals.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _rejections(each)
        else:
            yield each.rejection


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - optional

    return uvloop.new_event_loop
