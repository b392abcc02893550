"""What the metrics say of a consumer that has something to do."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from spawn.bus.backlog import measure
from spawn.bus.connection import Bus
from spawn.bus.consume import Delivery
from tests.fixtures.recorder import CONSUMER, Recorder, consuming, send
from tests.fixtures.streams import until_settled

pytestmark = pytest.mark.door


async def test_what_is_not_settled_yet_is_counted_and_how_long_it_waited(bus: Bus) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def act(_delivery: Delivery) -> None:
        begun.set()
        await may_end.wait()

    lags = _sample("lag_seconds_count")
    async with consuming(bus, Recorder(act)):
        await send(bus)
        async with asyncio.timeout(20):
            await begun.wait()
        await measure(bus, CONSUMER.stream, CONSUMER.durable)
        assert _sample("backlog_messages") == 1
        may_end.set()
        await until_settled(bus)
        await measure(bus, CONSUMER.stream, CONSUMER.durable)
        assert _sample("backlog_messages") == 0
    assert _sample("lag_seconds_count") == lags + 1


def _sample(name: str) -> float:
    labels = {"consumer": CONSUMER.durable}
    return REGISTRY.get_sample_value(f"spawn_bus_{name}", labels) or 0.0
