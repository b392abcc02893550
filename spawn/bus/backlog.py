"""How much a durable consumer still has to do, as the server counts it."""

from datetime import timedelta

import msgspec

from spawn.bus import metrics
from spawn.bus.connection import Bus
from spawn.errors import Outcome
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

EVERY = timedelta(seconds=15)
"""Time between two looks: Prometheus' usual interval."""


class Info(msgspec.Struct, frozen=True):
    """As much of JetStream's answer as is counted: not delivered yet, and not acknowledged yet."""

    num_pending: int = 0
    num_ack_pending: int = 0


async def keep_measured(bus: Bus, stream: str, durable: str) -> None:
    """Set the gauge of a consumer again and again; runs until it is cancelled.

    Every replica sets the same: what one of them has not seen yet, another may be doing.
    """
    for counter in (metrics.REDELIVERIES, metrics.HANDLER_ERRORS):
        counter.labels(durable)  # at zero from its start on
    metrics.BACKLOG.labels(durable).set(0)
    while True:
        await bus.clock.sleep(EVERY)
        await bus.until_connected()
        try:
            await measure(bus, stream, durable)
        except Outcome as outcome:
            # Who consumes makes it again; the next look finds it.
            _log.info("backlog unknown", consumer=durable, why=outcome.message)


async def measure(bus: Bus, stream: str, durable: str) -> None:
    """Set the gauge of a consumer once. Raises an `Outcome`."""
    info = await bus.js.call(f"CONSUMER.INFO.{stream}.{durable}", answer=Info, subject=durable)
    metrics.BACKLOG.labels(durable).set(info.num_pending + info.num_ack_pending)
