"""One connection to the bus for the whole process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

from nats.aio.client import Server
from nats.errors import Error

from spawn.bus import metrics
from spawn.bus.backoff import jittered
from spawn.bus.jetstream import JetStream
from spawn.bus.settings import BusSettings, inbox_prefix, login
from spawn.bus.wire import HardenedClient, Wire
from spawn.clock import Clock
from spawn.errors import Cause, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_PING_SECONDS = 10
_RETRY_WAIT = timedelta(milliseconds=500)
_FIRST_RETRY_WAIT = timedelta(milliseconds=100)
_CLOSE_WITHIN = timedelta(seconds=5)
_PENDING_BYTES = 8 * 1024 * 1024
_IMPATIENT_RECONNECTS = 60
"""With `_RETRY_WAIT` about half a minute: a command that already follows something outlives the
restart of a server."""


class Bus:
    """The connection and what is known of it.

    `closed` is set when it is gone for good; who must act on a reconnect listens.
    """

    def __init__(self, wire: Wire, *, name: str, shown: str, clock: Clock) -> None:
        self.wire = wire
        self.name = name
        self.shown = shown
        self.clock = clock
        self.connected = asyncio.Event()
        self.closed = asyncio.Event()
        self.js = JetStream(self)
        self._listeners: set[Callable[[], None]] = set()

    @property
    def is_connected(self) -> bool:
        """Whether the bus is connected now."""
        return self.wire.is_connected

    @asynccontextmanager
    async def listening(self, listener: Callable[[], None]) -> AsyncGenerator[None]:
        """Call `listener` on every reconnect and when the connection closes, during the block."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def until_connected(self) -> None:
        """Wait for the connection; raise `Transient` once it is closed for good."""
        while not self.connected.is_set():
            if self.closed.is_set():
                raise Transient(
                    f"the connection to {self.shown} is closed", cause=Cause.UNREACHABLE
                )
            await self.connected.wait()

    async def on_disconnected(self) -> None:
        """Note that the connection is away."""
        if self.connected.is_set():
            _log.warning("bus disconnected", bus=self.shown)
        self.connected.clear()
        self.wire.fail_requests()
        metrics.CONNECTED.set(0)

    async def on_connected(self) -> None:
        """Note that the connection is there again, and wake who reads from it."""
        metrics.RECONNECTS.inc()
        metrics.CONNECTED.set(1)
        self.connected.set()
        _log.info("bus reconnected", bus=self.shown)
        self._wake()

    async def on_closed(self) -> None:
        """Note that the connection is gone for good, and wake who waits for it."""
        metrics.CONNECTED.set(0)
        self.closed.set()
        # Waiters look at `closed` first when they wake.
        self.connected.set()
        self.connected.clear()
        self._wake()

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()


@asynccontextmanager
async def connect(
    settings: BusSettings, *, name: str, patient: bool, clock: Clock
) -> AsyncGenerator[Bus]:
    """Open the connection for the length of the block.

    `patient` (services): try for ever, with jitter. Otherwise (commands) one attempt, and
    `Transient` naming the URL, without credentials, within `nats_connect_timeout`.
    Raises `Rejected` when the credentials file is unusable.
    """
    client = HardenedClient()
    bus = Bus(Wire(client), name=name, shown=settings.shown, clock=clock)
    errors: list[Exception] = []
    options = await _options(settings, bus, errors=errors, patient=patient)
    try:
        if patient:
            await _open(client, options)
        else:
            await _open_once(client, options, settings=settings, errors=errors)
        bus.connected.set()
        metrics.CONNECTED.set(1)
        yield bus
    finally:
        bus.connected.clear()
        await _close(client)


async def _open(client: HardenedClient, options: dict[str, Any]) -> None:
    await cast("Any", client).connect(**options)


async def _open_once(
    client: HardenedClient,
    options: dict[str, Any],
    *,
    settings: BusSettings,
    errors: list[Exception],
) -> None:
    try:
        async with asyncio.timeout(settings.nats_connect_timeout.total_seconds()):
            await _open(client, options)
    except (Error, OSError, TimeoutError) as error:
        why = _explain(errors[-1] if errors else error)
        raise Transient(
            f"the bus at {settings.shown} can't be reached: {why}", cause=Cause.UNREACHABLE
        ) from None
    cast("Any", client).options["max_reconnect_attempts"] = _IMPATIENT_RECONNECTS


def _explain(error: Exception) -> str:
    if "authorization" in str(error).lower():
        return "it refuses these credentials"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return str(error) or type(error).__name__


async def _options(
    settings: BusSettings, bus: Bus, *, errors: list[Exception], patient: bool
) -> dict[str, Any]:
    who = await asyncio.to_thread(login, settings)

    async def on_error(error: Exception) -> None:
        errors[:] = [error]
        metrics.CALLBACK_ERRORS.labels(type(error).__name__).inc()
        # Publishing what one may not says nothing else: the request then waits in vain.
        is_forbidden = "permissions violation" in str(error).lower()
        level = logging.WARNING if is_forbidden else logging.DEBUG
        _log.log(level, "bus client", error=str(error) or repr(error), bus=settings.shown)

    return {
        "servers": settings.servers,
        "name": bus.name,
        "error_cb": on_error,
        "disconnected_cb": bus.on_disconnected,
        "reconnected_cb": bus.on_connected,
        "closed_cb": bus.on_closed,
        "connect_timeout": settings.nats_connect_timeout.total_seconds(),
        "ping_interval": _PING_SECONDS,
        "pending_size": _PENDING_BYTES,
        "max_reconnect_attempts": -1 if patient else 1,
        "reconnect_time_wait": _RETRY_WAIT.total_seconds() if patient else 0,
        "reconnect_to_server_handler": _next_server,
        "user": who.user or None,
        "password": who.password or None,
        "user_credentials": who.creds_path or None,
        "inbox_prefix": inbox_prefix(settings, who),
    }


def _next_server(servers: list[Server], _info: object) -> tuple[Server | None, float]:
    fewest = min(servers, key=lambda server: server.reconnects)
    step = _RETRY_WAIT if fewest.reconnects else _FIRST_RETRY_WAIT
    return fewest, jittered(step).total_seconds()


async def _close(client: HardenedClient) -> None:
    try:
        async with asyncio.timeout(_CLOSE_WITHIN.total_seconds()):
            await cast("Any", client).close()
    except TimeoutError:
        _log.warning("bus close timed out")
    except OSError as error:
        # The bus has gone away this very moment, and what was still to be written with it.
        _log.warning("bus lost while closing", why=str(error))
