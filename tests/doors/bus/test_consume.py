"""What becomes of a message, by what its handler does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from spawn.bus import dead
from spawn.bus.connection import Bus
from spawn.bus.consume import Delivery
from spawn.bus.dead import Undeliverable
from spawn.bus.message import Message
from spawn.bus.publish import Commands
from spawn.bus.pulling import place, pulling
from spawn.bus.streams import COMMANDS
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import Terminate
from spawn.errors import Conflict, NotFound, Outcome, Rejected, Transient
from tests.fixtures.recorder import CONSUMER, SUBJECT, Recorder, consuming, send
from tests.fixtures.streams import dead_letter, held, until_settled

pytestmark = pytest.mark.door


async def test_a_handled_message_is_gone(bus: Bus) -> None:
    recorder = Recorder()
    await send(bus)
    async with consuming(bus, recorder):
        await until_settled(bus)
    assert recorder.times == [1]


@pytest.mark.parametrize("outcome", [Rejected, NotFound, Conflict])
async def test_a_final_outcome_settles_the_message(bus: Bus, outcome: type[Outcome]) -> None:
    async def act(_delivery: Delivery) -> None:
        raise outcome("no")

    recorder = Recorder(act)
    await send(bus)
    async with consuming(bus, recorder):
        await until_settled(bus)
    assert recorder.times == [1]


async def test_a_transient_outcome_uses_up_no_delivery(bus: Bus) -> None:
    tries: list[int] = []

    async def act(delivery: Delivery) -> None:
        tries.append(delivery.place.delivered)
        if len(tries) < 12:
            raise Transient("later", retry_after=timedelta(milliseconds=1))

    async with consuming(bus, Recorder(act)):
        await send(bus)
        await until_settled(bus)
    assert tries == [1] * 12


async def test_messages_that_wait_for_another_try_leave_room_for_others(bus: Bus) -> None:
    async def act(_delivery: Delivery) -> None:
        raise Transient("later", retry_after=timedelta(hours=1))

    recorder = Recorder(act)
    for number in range(3 * CONSUMER.slots):
        await send(bus, number)
    async with consuming(bus, recorder):
        await recorder.until(lambda seen: len(seen.sequences) == 3 * CONSUMER.slots)
    # Given back when the consumer ended, not lost.
    assert await held(bus) == 3 * CONSUMER.slots


async def test_no_more_run_at_once_than_there_are_slots(bus: Bus) -> None:
    running: set[int] = set()
    most = 0

    async def act(delivery: Delivery) -> None:
        nonlocal most
        running.add(delivery.place.sequence)
        most = max(most, len(running))
        await bus.js.call("INFO", answer=dict[str, Any])
        running.discard(delivery.place.sequence)

    for number in range(60):
        await send(bus, number)
    async with consuming(bus, Recorder(act)):
        await until_settled(bus)
    assert 1 < most <= CONSUMER.slots


async def test_a_handler_that_takes_long_keeps_its_message(bus: Bus) -> None:
    reported = 0
    enough = asyncio.Event()

    async def on_ack(message: Message) -> None:
        nonlocal reported
        reported += message.data == b"+WPI"
        if reported == 5:
            enough.set()

    async def act(_delivery: Delivery) -> None:
        # Each report comes after a third of the server's wait.
        await enough.wait()

    await bus.wire.subscribe("$JS.ACK.>", on_ack)
    recorder = Recorder(act)
    await send(bus)
    async with consuming(bus, recorder):
        await until_settled(bus)
    assert recorder.times == [1]


async def test_a_broken_handler_gets_five_tries_and_then_a_dead_letter(bus: Bus) -> None:
    async def act(_delivery: Delivery) -> None:
        raise RuntimeError("broken")

    recorder = Recorder(act)
    await send(bus)
    async with consuming(bus, recorder):
        letter = await dead_letter(bus)
        await until_settled(bus)
    assert recorder.times == [1, 2, 3, 4, 5]
    assert letter.subject == f"spawn.dead.{SUBJECT}"
    assert letter.headers[dead.CODE] == "error"
    assert letter.headers[dead.SUBJECT] == SUBJECT


async def test_a_message_that_five_processes_did_not_survive_is_put_aside_unseen(bus: Bus) -> None:
    async with consuming(bus, Recorder()):
        await send(bus, 1)
        await until_settled(bus)
    await send(bus, 2)
    await give_back(bus, times=5)
    recorder = Recorder()
    async with consuming(bus, recorder):
        letter = await dead_letter(bus)
        await until_settled(bus)
    assert recorder.deliveries == []
    assert [why.code for why in recorder.buried] == ["crash"]
    assert letter.headers[dead.CODE] == "crash"


async def test_who_hears_of_dead_letters_crashes_on_each_only_once(bus: Bus) -> None:
    async with consuming(bus, Recorder()):
        await send(bus, 1)
        await until_settled(bus)
    await send(bus, 2)
    # The sixth time it was put aside, and whoever heard of it did not survive.
    await give_back(bus, times=6)
    recorder = Recorder()
    async with consuming(bus, recorder):
        await dead_letter(bus)
        await until_settled(bus)
    assert (recorder.deliveries, recorder.buried) == ([], [])


async def test_a_dead_letter_is_settled_though_its_sender_can_not_be_told(bus: Bus) -> None:
    async def act(_delivery: Delivery) -> None:
        raise Undeliverable("of no use", code="schema")

    async def mourn(_why: Undeliverable) -> None:
        raise RuntimeError("nobody to tell")

    recorder = Recorder(act, mourn)
    await send(bus)
    async with consuming(bus, recorder):
        await dead_letter(bus)
        await until_settled(bus)
    assert recorder.buried


async def test_a_message_that_is_delivered_for_the_fifth_time_is_still_tried(bus: Bus) -> None:
    async with consuming(bus, Recorder()):
        await send(bus, 1)
        await until_settled(bus)
    await send(bus, 2)
    await give_back(bus, times=4)
    recorder = Recorder()
    async with consuming(bus, recorder):
        await until_settled(bus)
    assert recorder.times == [5]


async def give_back(bus: Bus, *, times: int) -> None:
    """Take the only message and return it until it was delivered that often."""
    async with pulling(bus, stream=COMMANDS, slots=1) as pull:
        pull.start(CONSUMER.durable)
        for _ in range(times):
            message = await pull.next()
            assert message is not None
            if place(message).delivered == times:
                await pull.stop()
            await bus.wire.publish(message.reply, b"-NAK")
            pull.done()


async def test_an_undeliverable_message_is_put_aside_at_once_with_its_headers(bus: Bus) -> None:
    async def act(_delivery: Delivery) -> None:
        raise Undeliverable("of no use: é\n", code="schema")

    body = Terminate(array_id=ArrayId("a" * 100_000), reason="secret")
    await Commands(bus).send(SUBJECT, body, message_id="r1")
    async with consuming(bus, Recorder(act)):
        letter = await dead_letter(bus)
        await until_settled(bus)
    assert len(letter.data) == dead.LARGEST_BODY
    assert b"secret" not in letter.data
    assert int(letter.headers[dead.SIZE]) > 100_000
    assert letter.headers["content-type"] == "application/json"
    assert letter.headers[dead.REASON].startswith("of no use: é")


async def test_what_was_not_begun_is_given_back_at_once_to_another(bus: Bus) -> None:
    begun = asyncio.Event()
    end = asyncio.Event()

    async def act(_delivery: Delivery) -> None:
        begun.set()
        await end.wait()

    first, second = Recorder(act), Recorder()
    await send(bus)
    async with asyncio.TaskGroup() as group, consuming(bus, first) as stop:
        await begun.wait()
        stop.set()
        for number in range(1, 6):
            await send(bus, number)
        async with consuming(bus, second):
            await second.until(lambda seen: len(seen.sequences) == 5)
        end.set()
        group.create_task(until_settled(bus))
    assert first.times == [1]
    assert set(second.times) == {1}


async def test_a_consumer_that_is_deleted_is_made_again(bus: Bus) -> None:
    recorder = Recorder()
    async with consuming(bus, recorder):
        await send(bus, 1)
        await until_settled(bus)
        await bus.js.call("CONSUMER.DELETE.SPAWN_COMMANDS.tester", answer=dict[str, Any])
        await send(bus, 2)
        await until_settled(bus)
    assert len(recorder.sequences) == 2
