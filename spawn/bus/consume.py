"""Continuous consumption of a durable consumer: handlers side by side, an outcome for each.

| a handler | the message |
|---|---|
| returns, or raises `Rejected`, `NotFound`, `Conflict` | acknowledged: it is settled |
| raises `Transient` | stays ours and is tried again after a growing wait, however long |
| raises `Undeliverable` | dead letter |
| raises anything else | given back, with a growing delay; dead letter at the fifth delivery |
| ends the process | delivered again after `ack_wait`; dead letter at the sixth delivery |

A transient failure is waited out here, not given back: only crashes and bugs use up deliveries.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from spawn.bus import metrics
from spawn.bus.backlog import keep_measured
from spawn.bus.backoff import delays, jittered
from spawn.bus.connection import Bus
from spawn.bus.dead import Undeliverable, bury
from spawn.bus.message import Message
from spawn.bus.pulling import Interrupted, Place, Pull, place, pulling
from spawn.bus.streams import nanoseconds
from spawn.clock import wait_event
from spawn.errors import Conflict, NotFound, Rejected, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

MOST_DELIVERIES = 5
_MOST_UNACKNOWLEDGED = 1000
_FIRST_DELAY = timedelta(milliseconds=250)
_LONGEST_DELAY = timedelta(seconds=30)
_RESTART_DELAY = timedelta(seconds=2)


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A durable consumer: which messages, and how many at once.

    `deliver` (all or new) counts when the consumer is first made. A handler that runs longer
    than `ack_wait` is reported as in progress meanwhile. `retry` is the wait before the second
    try of a message, of which later ones are multiples.
    """

    stream: str
    durable: str
    filters: tuple[str, ...]
    deliver: str = "all"
    slots: int = 64
    ack_wait: timedelta = timedelta(seconds=10)
    retry: timedelta = timedelta(milliseconds=250)

    def config(self) -> dict[str, Any]:
        """Return the consumer as JetStream's API takes it."""
        return {
            "name": self.durable,
            "durable_name": self.durable,
            "ack_policy": "explicit",
            "deliver_policy": self.deliver,
            "filter_subjects": list(self.filters),
            "ack_wait": nanoseconds(self.ack_wait),
            "max_ack_pending": _MOST_UNACKNOWLEDGED,
            # The server would keep such a message for ever, unseen: we put it aside instead.
            "max_deliver": -1,
        }


class Delivery(msgspec.Struct, frozen=True):
    """A message of a durable consumer and its place."""

    message: Message
    place: Place


Handler = Callable[[Delivery], Awaitable[None]]
Mourner = Callable[[Delivery, Undeliverable], Awaitable[None]]
"""Hears of a message that was put aside as a dead letter, once it is."""


async def consume(
    bus: Bus,
    consumer: Consumer,
    handler: Handler,
    *,
    on_buried: Mourner | None = None,
    stop: asyncio.Event,
) -> None:
    """Run `handler` for every message until `stop` is set, then wait for those that run.

    What has come but not begun is given back. Raises `Transient` only when the connection is
    closed for good, and what JetStream says of an impossible consumer.
    """
    async with pulling(bus, stream=consumer.stream, slots=consumer.slots) as pull:
        flow = _Flow(bus, consumer, _Work(handler, on_buried), pull=pull, stop=stop)
        async with asyncio.TaskGroup() as around:
            besides = (
                around.create_task(flow.report_progress()),
                around.create_task(keep_measured(bus, consumer.stream, consumer.durable)),
            )
            async with asyncio.TaskGroup() as handlers:
                taking = handlers.create_task(flow.run(handlers))
                await stop.wait()
                await pull.stop()
                if not bus.is_connected:
                    # Nothing comes that could be given back.
                    taking.cancel()
            for each in besides:
                each.cancel()


class _Stopping(Exception):  # noqa: N818 - an occasion, not an error
    """The wait for another try has been cut short by the end of the process."""


class _Work(NamedTuple):
    """What is done with a message, and with one that can't be handled."""

    handler: Handler
    on_buried: Mourner | None


class _Flow:
    def __init__(
        self, bus: Bus, consumer: Consumer, work: _Work, *, pull: Pull, stop: asyncio.Event
    ) -> None:
        self._bus = bus
        self._consumer = consumer
        self._work = work
        self._pull = pull
        self._stop = stop
        self._running: dict[str, Message] = {}

    async def run(self, handlers: asyncio.TaskGroup) -> None:
        """Take messages and start their handlers, until stopped."""
        waits = delays(_FIRST_DELAY, _RESTART_DELAY)
        await self._begin()
        while True:
            try:
                message = await self._pull.next()
            except Interrupted:
                await self._bus.clock.sleep(next(waits))
                await self._begin()
                continue
            if message is None:
                return
            if self._stop.is_set():
                await self._give_back(message, timedelta(0))
                continue
            waits = delays(_FIRST_DELAY, _RESTART_DELAY)
            handlers.create_task(self._one(message))

    async def report_progress(self) -> None:
        """Tell the server regularly of every message that is still being handled."""
        while True:
            before = set(self._running)
            await self._bus.clock.sleep(self._consumer.ack_wait / 3)
            for reply in before & set(self._running):
                await self._send(self._running[reply], b"+WPI")

    async def _begin(self) -> None:
        """Make the consumer, which is the same when it exists, and pull from it."""
        waits = delays(_FIRST_DELAY, _RESTART_DELAY)
        stream, durable = self._consumer.stream, self._consumer.durable
        while True:
            await self._bus.until_connected()
            try:
                await self._bus.js.call(
                    f"CONSUMER.CREATE.{stream}.{durable}",
                    {"stream_name": stream, "config": self._consumer.config()},
                    answer=dict[str, Any],
                    subject=durable,
                )
                break
            except (Transient, NotFound):
                await self._bus.clock.sleep(next(waits))
        self._pull.start(durable)

    async def _one(self, message: Message) -> None:
        slot = _Slot(self._pull)
        self._running[message.reply] = message
        try:
            await self._settle(Delivery(message, place(message)), slot)
        except asyncio.CancelledError:
            await self._give_back(message, timedelta(0))
            raise
        finally:
            self._running.pop(message.reply, None)
            slot.free()

    async def _settle(self, delivery: Delivery, slot: "_Slot") -> None:
        delivered = delivery.place.delivered
        if delivered > 1:
            metrics.REDELIVERIES.labels(self._consumer.durable).inc()
        else:
            lag = self._bus.clock.now() - delivery.place.stored_at
            metrics.LAG.labels(self._consumer.durable).observe(max(0.0, lag.total_seconds()))
        if delivered > MOST_DELIVERIES:
            reason = f"was delivered {delivered - 1} times and never acknowledged"
            await self._bury(delivery, Undeliverable(reason, code="crash"))
            return
        try:
            await self._attempt(delivery, slot)
        except (Rejected, NotFound, Conflict) as outcome:
            _log.info("settled", subject=delivery.message.subject, outcome=str(outcome))
            await self._end(delivery.message, b"+ACK", type(outcome).__name__.lower())
        except Undeliverable as why:
            await self._bury(delivery, why)
        except _Stopping:
            await self._give_back(delivery.message, timedelta(0))
        except Exception as error:  # noqa: BLE001 - no handler's bug may stop the consumer
            await self._fail(delivery, error)
        else:
            await self._end(delivery.message, b"+ACK", "ack")

    async def _attempt(self, delivery: Delivery, slot: "_Slot") -> None:
        waits = delays(self._consumer.retry, _LONGEST_DELAY)
        while True:
            try:
                return await self._work.handler(delivery)
            except Transient as outcome:
                metrics.ACKS.labels(self._consumer.durable, "transient").inc()
                wait = outcome.retry_after or next(waits)
                _log.warning("waiting", subject=delivery.message.subject, why=str(outcome))
            # Those that wait leave room for others; the server bounds their number.
            slot.free()
            if await wait_event(self._stop, wait):
                raise _Stopping

    async def _fail(self, delivery: Delivery, error: Exception) -> None:
        metrics.HANDLER_ERRORS.labels(self._consumer.durable).inc()
        _log.error("handler failed", subject=delivery.message.subject, exc_info=error)
        delivered = delivery.place.delivered
        if delivered >= MOST_DELIVERIES:
            reason = f"failed {delivered} times, at last with {type(error).__name__}"
            await self._bury(delivery, Undeliverable(reason, code="error"))
            return
        delay = min(self._consumer.retry * 4 ** (delivered - 1), _LONGEST_DELAY)
        await self._give_back(delivery.message, jittered(delay))

    async def _bury(self, delivery: Delivery, why: Undeliverable) -> None:
        message_id = f"{self._consumer.stream}/{self._consumer.durable}/{delivery.place.sequence}"
        await bury(self._bus, delivery.message, why, message_id=message_id)
        # What has crashed processes may crash whoever looks at it once more: but only once.
        if delivery.place.delivered <= MOST_DELIVERIES + 1:
            await self._mourn(delivery, why)
        await self._end(delivery.message, b"+TERM", "term")

    async def _mourn(self, delivery: Delivery, why: Undeliverable) -> None:
        if self._work.on_buried is None:
            return
        try:
            await self._work.on_buried(delivery, why)
        except Exception:  # noqa: BLE001 - counted and logged with its trace
            metrics.HANDLER_ERRORS.labels(self._consumer.durable).inc()
            _log.exception("sender not told", subject=delivery.message.subject)

    async def _give_back(self, message: Message, delay: timedelta) -> None:
        payload = b'-NAK {"delay": %d}' % nanoseconds(delay)
        await self._end(message, payload, "nak")

    async def _end(self, message: Message, payload: bytes, outcome: str) -> None:
        metrics.ACKS.labels(self._consumer.durable, outcome).inc()
        await self._send(message, payload)

    async def _send(self, message: Message, payload: bytes) -> None:
        try:
            await self._bus.wire.publish(message.reply, payload)
        except Transient:
            # Delivered again, then: handlers are idempotent.
            _log.warning("acknowledgement lost", subject=message.subject)


class _Slot:
    """The place that a message takes, given back once."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._is_free = False

    def free(self) -> None:
        if not self._is_free:
            self._is_free = True
            self._pull.done()
