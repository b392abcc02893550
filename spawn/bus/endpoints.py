"""Answering: endpoints as NATS micro services, seen by `$SRV.PING`, `INFO` and `STATS`.

(https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md). nats-py's own
runs the requests of an endpoint one after the other and tells callers the repr of an error.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

import msgspec

from spawn.bus import codec, metrics
from spawn.bus.connection import Bus
from spawn.bus.discovery import Description, EndpointStats, discoverable
from spawn.bus.message import Message
from spawn.bus.requests import ERROR, ERROR_CODE, Problem
from spawn.bus.wire import Subscription
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_SIDE_BY_SIDE = 64
_MOST_WAITING = 1000
_QUEUE = "q"
"""The queue group that the specification of micro services names."""

Answerer = Callable[[Message], Awaitable[bytes]]
"""Answers a request, or raises an outcome."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A subject (it may have wildcards) and who answers on it."""

    name: str
    subject: str
    answer: Answerer


@asynccontextmanager
async def serving(
    bus: Bus, service: str, endpoints: tuple[Endpoint, ...], *, replica: str
) -> AsyncGenerator[None]:
    """Answer for the length of the block, then wait for the requests that are being answered."""
    served = [_Served(bus, endpoint) for endpoint in endpoints]
    description = Description(
        name=service,
        id=replica,
        version=version("spawn"),
        started=bus.clock.now(),
        stats=[each.stats for each in served],
    )
    async with discoverable(bus, description), asyncio.TaskGroup() as group:
        subscriptions: list[Subscription] = []
        try:
            for each in served:
                subscriptions.append(await each.open(group))  # noqa: PERF401 - closed if one fails
            yield
        finally:
            for subscription in subscriptions:
                await subscription.close()


class _Served:
    def __init__(self, bus: Bus, endpoint: Endpoint) -> None:
        self._bus = bus
        self._endpoint = endpoint
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._waiting = 0
        self.stats = EndpointStats(
            name=endpoint.name, subject=endpoint.subject, queue_group=_QUEUE
        )

    async def open(self, group: asyncio.TaskGroup) -> Subscription:
        async def on_message(message: Message) -> None:
            group.create_task(self._serve(message))

        return await self._bus.wire.subscribe(self._endpoint.subject, on_message, queue=_QUEUE)

    async def _serve(self, message: Message) -> None:
        if not message.reply:
            return
        started = self._bus.clock.monotonic()
        code = await self._answer(message)
        took = timedelta(seconds=self._bus.clock.monotonic() - started)
        self.stats.note(took, failed_with=code)
        metrics.REQUESTS.labels(self._endpoint.name, code or "200").inc()

    async def _answer(self, message: Message) -> str:
        """Answer, and return the code of the error; empty when there was none."""
        try:
            data = codec.check_size(await self._in_turn(message))
            headers: dict[str, str] = {}
        except Exception as error:  # noqa: BLE001 - the caller is told, the endpoint lives
            headers, data = _error_reply(error, self._endpoint.name)
        try:
            await self._bus.wire.publish(message.reply, data, headers=headers)
        except Transient:
            _log.warning("answer lost", endpoint=self._endpoint.name)
        return headers.get(ERROR_CODE, "")

    async def _in_turn(self, message: Message) -> bytes:
        if self._waiting >= _MOST_WAITING:
            raise Transient("too many requests are waiting; ask later", cause=Cause.THROTTLED)
        self._waiting += 1
        try:
            async with self._turns:
                return await self._endpoint.answer(message)
        finally:
            self._waiting -= 1


def _error_reply(error: Exception, endpoint: str) -> tuple[dict[str, str], bytes]:
    if not isinstance(error, Outcome):
        _log.error("endpoint failed", endpoint=endpoint, exc_info=error)
        error = Transient("the service failed; its log says why", cause=Cause.INTERNAL)
    problem = Problem(
        code=error.code,
        message=error.message,
        field=error.field if isinstance(error, Rejected) else "",
        cause=error.cause,
    )
    # A header can't hold every text; the body does.
    headers = {ERROR: error.code, ERROR_CODE: _status(error)}
    return headers, codec.encode(problem)


def _status(error: Outcome) -> str:
    match error:
        case Rejected():
            return "400"
        case NotFound():
            return "404"
        case Conflict():
            return "409"
        case _:
            return "503"
