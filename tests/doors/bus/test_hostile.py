"""Whatever anybody publishes, on any subject: readers and consumers live."""

import asyncio
from contextlib import aclosing

import pytest

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.consume import Delivery
from spawn.bus.dead import Undeliverable
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.follow import follow, from_first
from spawn.bus.message import Message
from spawn.bus.ports import CaughtUp, Entry, Followed
from spawn.bus.publish import Events
from spawn.bus.requests import request
from spawn.bus.stores import Store
from spawn.bus.streams import DEAD
from spawn.contracts import members
from spawn.contracts.launches import Terminate
from spawn.contracts.members import Member
from spawn.errors import Rejected
from tests.fixtures.bus_samples import event, member
from tests.fixtures.hostile import HostileClient, hostile_client
from tests.fixtures.nats import NatsServer
from tests.fixtures.recorder import Recorder, consuming, send
from tests.fixtures.streams import held, until_settled

pytestmark = pytest.mark.door

HEADERS = {
    "no headers": None,
    "a status that is not UTF-8": b"NATS/1.0 \xff\xff\xff\r\n\r\n",
    "a status that is a control message's": b"NATS/1.0 408 Request Timeout\r\n\r\n",
    "a description that is not UTF-8": b"NATS/1.0 503 \xff\xfe\r\n\r\n",
    "nothing behind the version": b"NATS/1.0\r\n\r\n",
    "no end of line": b"NATS/1.0",
    "no colon": b"NATS/1.0\r\nnothing here\r\n\r\n",
    "a name that is not ASCII": b"NATS/1.0\r\n\xc3\xa9: 1\r\n\r\n",
    "a value that is not UTF-8": b"NATS/1.0\r\nce-id: \xff\xfe\r\n\r\n",
    "a status as a header": b"NATS/1.0\r\nStatus: 404\r\nDescription: No Messages\r\n\r\n",
    "a huge header": b"NATS/1.0\r\nbig: " + b"x" * 200_000 + b"\r\n\r\n",
    "a deletion of a key": b"NATS/1.0\r\nKV-Operation: \xff\r\n\r\n",
}
BODIES = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "not JSON": b"{",
    "nested without end": b"[" * 100_000,
    "a number": b"1e999",
    "an unknown field": b'{"array_id":"a","what":1}',
    "a large body": b'"' + b"x" * 700_000 + b'"',
}
TAILS = (b"do", b"do.somebody", b"unknown", b"\xff\xfe", b"x." * 40 + b"x", b"y" * 300)


async def assault(client: HostileClient, prefix: bytes) -> None:
    for headers in HEADERS.values():
        await client.say(prefix + b"do", b"{", headers=headers)
    for body in BODIES.values():
        await client.say(prefix + b"do", body)
    for tail in TAILS:
        await client.say(prefix + tail, b"{}")


async def strict(delivery: Delivery) -> None:
    try:
        codec.decode(delivery.message.data, Terminate)
    except Rejected as rejection:
        raise Undeliverable(rejection.message, code="schema") from rejection


async def test_a_consumer_puts_them_aside_and_goes_on(bus: Bus, nats_server: NatsServer) -> None:
    recorder = Recorder(strict)
    async with hostile_client(nats_server) as client, consuming(bus, recorder):
        await assault(client, b"spawn.cmd.tester.")
        await send(bus, 7)
        await until_settled(bus)
    assert recorder.deliveries[-1].message.headers["Nats-Msg-Id"] == "7"
    assert await held(bus, DEAD) == len(recorder.deliveries) - 1
    assert set(recorder.times) == {1}


async def test_a_reader_of_events_leaves_them_out(bus: Bus, nats_server: NatsServer) -> None:
    async with hostile_client(nats_server) as client:
        await assault(client, b"spawn.evt.training-abcdefghijkl.array.")
        await Events(bus).publish(event("one"))
        found: list[str] = []
        async with asyncio.timeout(30), aclosing(follow(bus, from_first())) as items:
            async for item in items:
                match item:
                    case Followed():
                        found.append(item.event.id)
                    case CaughtUp():
                        break
    assert found == ["one"]


async def test_a_watch_leaves_them_out(bus: Bus, nats_server: NatsServer) -> None:
    store = Store(bus, members.BUCKET, Member)
    async with hostile_client(nats_server) as client:
        await assault(client, b"$KV.spawn-members.")
        await store.create("a.0", member(0))
        async with asyncio.timeout(30):
            found = await store.load()
    assert set(found) == {"a.0"}
    assert isinstance(found["a.0"], Entry)


async def test_an_endpoint_answers_on(bus: Bus, nats_server: NatsServer) -> None:
    async def answer(message: Message) -> bytes:
        return codec.encode(codec.decode(message.data, Terminate))

    endpoint = Endpoint(name="do", subject="spawn.api.tester.do", answer=answer)
    async with (
        hostile_client(nats_server) as client,
        serving(bus, "tester", (endpoint,), replica="r"),
    ):
        await assault(client, b"spawn.api.tester.")
        for verb in (b"PING", b"INFO", b"STATS"):
            await client.say(b"$SRV." + verb, b"\xff", headers=b"NATS/1.0 \xff\xff\xff\r\n\r\n")
        asked = Terminate(array_id=member(0).array_id)
        assert await request(bus, "spawn.api.tester.do", asked, Terminate) == asked
