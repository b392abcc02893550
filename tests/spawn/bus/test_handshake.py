"""A server that pings before it decides: the client waits for the verdict."""

import asyncio
from datetime import timedelta

import pytest

from spawn.bus.connection import connect
from spawn.bus.message import Message
from spawn.bus.settings import BusSettings
from spawn.clock import SystemClock
from spawn.errors import Transient
from tests.fixtures.hesitant import HesitantServer, hesitant_server

REFUSAL = b"-ERR 'Authorization Violation'"


def settings(server: HesitantServer) -> BusSettings:
    return BusSettings(nats_url=server.url, nats_connect_timeout=timedelta(seconds=20))


async def test_who_was_pinged_first_is_connected_after_the_verdict_and_sends() -> None:
    async def ignore(_message: Message) -> None: ...

    async with (
        hesitant_server() as server,
        connect(settings(server), name="t", patient=True, clock=SystemClock()) as bus,
        asyncio.timeout(20),
    ):
        assert bus.is_connected
        await bus.wire.subscribe("a.b", ignore)
        while not (await server.told.get()).startswith(b"SUB a.b"):
            continue


async def test_a_refusal_after_pings_is_a_refusal() -> None:
    async with hesitant_server(REFUSAL) as server:
        with pytest.raises(Transient, match="refuses these credentials"):
            async with connect(settings(server), name="t", patient=False, clock=SystemClock()):
                pass
