"""Asking and answering."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Answerer, Endpoint, serving
from spawn.bus.message import Message
from spawn.bus.replies import NO_RESPONDERS, TIMED_OUT
from spawn.bus.requests import Requests, count_replicas, request
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient
from tests.fixtures.nats import NatsServer, connected

pytestmark = pytest.mark.door

SUBJECT = "spawn.api.tester.double"


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: int


class Word(msgspec.Struct, frozen=True):
    value: str


async def double(message: Message) -> bytes:
    return codec.encode(Number(2 * codec.decode(message.data, Number).value))


def endpoint(answer: Answerer = double) -> Endpoint:
    return Endpoint(name="double", subject=SUBJECT, answer=answer)


async def test_an_answer_comes_back_typed(bus: Bus) -> None:
    async with serving(bus, "tester", (endpoint(),), replica="r1"):
        assert await request(bus, SUBJECT, Number(21), Number) == Number(42)
        assert await Requests(bus).ask(SUBJECT, Number(4), Number) == Number(8)


@pytest.mark.parametrize(
    "outcome",
    [
        Rejected("too many", field="count", code="TooMany"),
        NotFound("no array of that name", code="NoArray"),
        Conflict("taken", code="NameTaken"),
        Transient("later", cause=Cause.THROTTLED, code="Busy"),
    ],
)
async def test_the_outcome_of_the_endpoint_is_raised(bus: Bus, outcome: Outcome) -> None:
    async def answer(_message: Message) -> bytes:
        raise outcome

    async with serving(bus, "tester", (endpoint(answer),), replica="r1"):
        with pytest.raises(type(outcome)) as raised:
            await request(bus, SUBJECT, Number(1), Number)
    assert raised.value.message == outcome.message
    assert raised.value.code == outcome.code
    assert raised.value.cause == outcome.cause
    if isinstance(outcome, Rejected):
        assert isinstance(raised.value, Rejected)
        assert raised.value.field == "count"


async def test_a_body_that_fails_its_schema_is_rejected_by_field(bus: Bus) -> None:
    async with serving(bus, "tester", (endpoint(),), replica="r1"):
        with pytest.raises(Rejected) as raised:
            await request(bus, SUBJECT, Word("x"), Number)
    assert raised.value.field == "value"


async def test_a_bug_says_nothing_of_itself(bus: Bus) -> None:
    async def answer(_message: Message) -> bytes:
        raise RuntimeError("password=hunter2")

    async with serving(bus, "tester", (endpoint(answer),), replica="r1"):
        with pytest.raises(Transient) as raised:
            await request(bus, SUBJECT, Number(1), Number)
    assert raised.value.cause == Cause.INTERNAL
    assert "hunter2" not in str(raised.value)


async def test_nobody_there_is_known_at_once(bus: Bus) -> None:
    with pytest.raises(Transient) as raised:
        await request(bus, SUBJECT, Number(1), Number, within=timedelta(minutes=1))
    assert raised.value.code == NO_RESPONDERS
    assert raised.value.cause == Cause.UNREACHABLE


async def test_silence_is_not_waited_for_long(bus: Bus) -> None:
    async def answer(_message: Message) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with asyncio.TaskGroup() as group:
        silent = group.create_task(_serve(bus, answer))
        await bus.js.call("INFO", answer=dict[str, object])
        with pytest.raises(Transient) as raised:
            await request(bus, SUBJECT, Number(1), Number, within=timedelta(milliseconds=50))
        silent.cancel()
    assert raised.value.code == TIMED_OUT


async def _serve(bus: Bus, answer: Answerer) -> None:
    async with serving(bus, "tester", (endpoint(answer),), replica="r1"):
        await asyncio.Event().wait()


async def test_requests_are_answered_side_by_side(bus: Bus) -> None:
    all_here = asyncio.Barrier(20)

    async def answer(message: Message) -> bytes:
        await all_here.wait()
        return message.data

    async with serving(bus, "tester", (endpoint(answer),), replica="r1"):
        asked = [request(bus, SUBJECT, Number(number), Number) for number in range(20)]
        answers = await asyncio.gather(*asked)
    assert answers == [Number(number) for number in range(20)]


async def test_replicas_are_counted(bus: Bus, nats_server: NatsServer) -> None:
    async with (
        connected(nats_server, name="other") as other,
        serving(bus, "tester", (), replica="r1"),
        serving(other, "tester", (), replica="r2"),
    ):
        await other.js.call("INFO", answer=dict[str, object])
        assert await count_replicas(bus, "tester") == 2
    assert await count_replicas(bus, "tester") == 0


async def test_a_service_describes_itself(bus: Bus) -> None:
    async with serving(bus, "tester", (endpoint(),), replica="r1"):
        await request(bus, SUBJECT, Number(1), Number)
        info = await ask(bus, "$SRV.INFO.tester.r1")
        stats = await ask(bus, "$SRV.STATS.tester")
    assert info["type"] == "io.nats.micro.v1.info_response"
    assert info["endpoints"] == [{"name": "double", "subject": SUBJECT, "queue_group": "q"}]
    (counted,) = msgspec.convert(stats["endpoints"], list[dict[str, object]])
    assert counted["num_requests"] == 1
    assert counted["num_errors"] == 0


async def ask(bus: Bus, subject: str) -> dict[str, object]:
    reply = await bus.wire.request(subject, within=timedelta(seconds=5))
    return codec.decode(reply.data, dict[str, object])
