"""A service in a process: routes, timers, restarts, drain."""

import asyncio
import json
from datetime import timedelta

import pytest

from spawn.bus import dead
from spawn.bus.connection import Bus
from spawn.bus.publish import Commands, Events
from spawn.bus.requests import count_replicas, request
from spawn.contracts.launches import LOCAL_OWNER
from spawn.errors import Rejected, Transient
from tests.fixtures.bus_samples import event, running
from tests.fixtures.nats import NatsServer
from tests.fixtures.streams import dead_letter, held, until_settled
from tests.spawn.runtime.conftest import Hosting
from tests.spawn.runtime.greeter import Greet, Greeting

pytestmark = pytest.mark.door

SUBJECT = "spawn.cmd.greeter.greet"


async def test_a_command_reaches_its_handler(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await Commands(bus).send(SUBJECT, Greet("ann"), message_id="r1")
        await process.world.until("greet")
    (command,) = process.world.heard
    assert command.body == Greet("ann")
    assert command.owner == LOCAL_OWNER
    assert command.message_id == "r1"
    assert command.delivered == 1
    assert process.code == 0


async def test_the_owner_is_who_the_subject_says(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await Commands(bus).send(f"{SUBJECT}.ann", Greet("x"), message_id="r1")
        await process.world.until("greet")
    assert process.world.heard[0].owner == "ann"


async def test_an_invalid_command_is_told_and_put_aside(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await bus.js.publish(
            SUBJECT,
            b'{"name":"x","times":"often"}',
            headers={"Nats-Msg-Id": "r1"},
            patience=timedelta(seconds=10),
        )
        letter = await dead_letter(bus)
        await until_settled(bus)
    (buried,) = process.world.buried
    assert buried.rejection.field == "times"
    assert buried.message_id == "r1"
    assert letter.headers[dead.CODE] == "schema"


async def test_who_sent_what_crashes_its_handler_is_told(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await Commands(bus).send(SUBJECT, Greet("broken"), message_id="r1")
        await process.world.until("buried")
        await until_settled(bus)
    (buried,) = process.world.buried
    assert buried.rejection.code == "error"
    assert "RuntimeError" in buried.rejection.message
    assert process.world.counts["begun"] == 5


@pytest.mark.parametrize("tail", ["unknown", "greet.ann.more", "greet.ann.more.still"])
async def test_a_verb_that_nobody_knows_is_put_aside(
    bus: Bus, hosting: Hosting, tail: str
) -> None:
    async with hosting() as process:
        await process.until_ready()
        await Commands(bus).send(f"spawn.cmd.greeter.{tail}", Greet("x"), message_id="r1")
        letter = await dead_letter(bus)
        await until_settled(bus)
    assert letter.headers[dead.CODE] == "verb"
    assert process.world.heard == []


async def test_facts_of_the_kinds_asked_for_are_heard(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        # The consumer of facts begins with what is published once it exists.
        while await consumers(bus) == 0:
            await bus.clock.sleep(timedelta(milliseconds=5))
        await Events(bus).publish_many((running(0, 1), event("one")))
        await process.world.until("fact")
    assert [fact.event.id for fact in process.world.facts] == ["one"]


async def consumers(bus: Bus) -> int:
    names = await bus.js.call("CONSUMER.NAMES.SPAWN_EVENTS", answer=dict[str, object])
    return int(str(names["total"]))


async def test_questions_are_answered(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        answer = await request(bus, "spawn.api.greeter.greet", Greet("ann", 2), Greeting)
        assert answer == Greeting("hello hello ann")
        about = await request(bus, "spawn.api.greeter.about.i-1", Greet("bob"), Greeting)
        assert about == Greeting("hello bob")
        with pytest.raises(Rejected) as raised:
            await request(bus, "spawn.api.greeter.greet", Greet("ann", -1), Greeting)
        assert raised.value.field == "times"
        assert await count_replicas(bus, "greeter") == 1
    assert await count_replicas(bus, "greeter") == 0


async def test_what_fails_is_started_again_and_the_rest_lives_on(
    bus: Bus, hosting: Hosting
) -> None:
    async with hosting() as process:
        await process.until_ready()
        await process.world.until("failing", 2)
        await process.world.until("tick", 4)
        await Commands(bus).send(SUBJECT, Greet("ann"), message_id="r1")
        await process.world.until("greet")
    assert len(process.worlds) == 1
    assert process.world.counts["background"] == 1
    assert process.world.counts["closed"] == 1


async def test_a_service_that_cannot_open_is_not_ready_until_it_can(hosting: Hosting) -> None:
    async with hosting(failing_opens=2) as process:
        body = await process.until_ready(ready=False)
        assert "greeter" in json.loads(body)["reasons"]
        await process.until_ready()
    assert process.code == 0


async def test_a_service_that_can_never_open_ends_the_process(hosting: Hosting) -> None:
    wrong = Rejected("SPAWN_GREETING='' is no greeting", field="SPAWN_GREETING")
    with pytest.raises(ExceptionGroup) as raised:
        async with hosting(failing_opens=1, failure=wrong):
            await asyncio.Event().wait()
    assert raised.value.exceptions == (wrong,)


async def test_a_handler_may_end_before_the_process_does(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await Commands(bus).send(SUBJECT, Greet("slow"), message_id="r1")
        await process.world.until("begun")
        process.stop.set()
        await process.until_ready(ready=False)
        assert process.world.counts["closed"] == 0
        process.world.gate.set()
    assert process.world.counts["greet"] == 1
    assert process.world.counts["closed"] == 1
    assert process.code == 0
    await until_settled(bus)


async def test_a_handler_that_does_not_end_is_cut_off_and_its_message_kept(
    bus: Bus, hosting: Hosting
) -> None:
    async with hosting(SPAWN_DRAIN="1s") as process:
        await process.until_ready()
        await Commands(bus).send(SUBJECT, Greet("slow"), message_id="r1")
        await process.world.until("begun")
    assert process.code == 0
    assert process.world.counts["greet"] == 0
    assert await held(bus) == 1


async def test_a_process_that_waits_for_the_bus_can_be_stopped(
    hosting: Hosting, nats_server: NatsServer
) -> None:
    nats_server.kill()
    async with hosting() as process:
        body = await process.until_ready(ready=False)
        assert json.loads(body)["reasons"]["bus"] == "not connected"
        assert (await process.ask("/healthz"))[0] == 200
    assert process.code == 0
    await nats_server.start()


@pytest.mark.fault
async def test_the_process_is_not_ready_while_the_bus_is_away(
    hosting: Hosting, nats_server: NatsServer
) -> None:
    async with hosting() as process:
        await process.until_ready()
        nats_server.kill()
        await process.until_ready(ready=False)
        await nats_server.start()
        await process.until_ready()
    assert process.code == 0


@pytest.mark.fault
async def test_the_process_ends_with_1_when_the_bus_is_closed_for_good(hosting: Hosting) -> None:
    async with asyncio.timeout(30), hosting() as process:
        await process.until_ready()
        await process.world.bus.wire.publish("x" * 5000)
        await process.world.bus.closed.wait()
        with pytest.raises(Transient):
            await process.world.bus.until_connected()
        while process.code < 0:
            await process.world.bus.clock.sleep(timedelta(milliseconds=5))
        assert process.code == 1


async def test_metrics_are_shown(hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        status, text = await process.ask("/metrics")
    assert status == 200
    assert "spawn_runtime_ready 1.0" in text
    assert "spawn_runtime_loop_lag_seconds_count" in text


async def test_a_wrong_setting_is_refused(hosting: Hosting) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with hosting(SPAWN_GREETER_EVERY="soon"):
            await asyncio.Event().wait()
    (rejection,) = raised.value.exceptions
    assert isinstance(rejection, Rejected)
    assert rejection.field == "SPAWN_GREETER_EVERY"


async def test_a_port_that_is_taken_is_refused(hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        port = process.running().ready_url.split(":")[2].split("/")[0]
        with pytest.raises(ExceptionGroup) as raised:
            async with hosting(SPAWN_HTTP_PORT=port):
                await asyncio.Event().wait()
    (rejection,) = raised.value.exceptions
    assert isinstance(rejection, Rejected)
    assert rejection.field == "SPAWN_HTTP_PORT"


@pytest.mark.fault
async def test_a_process_whose_bus_is_away_can_be_stopped(
    hosting: Hosting, nats_server: NatsServer
) -> None:
    async with asyncio.timeout(30), hosting(SPAWN_DRAIN="1h") as process:
        await process.until_ready()
        nats_server.kill()
        await process.until_ready(ready=False)
    assert process.code == 0
    await nats_server.start()


@pytest.mark.fault
async def test_a_bus_that_has_lost_everything_is_set_up_again(
    bus: Bus, hosting: Hosting, nats_server: NatsServer
) -> None:
    async with asyncio.timeout(60), hosting() as process:
        await process.until_ready()
        nats_server.kill()
        nats_server.forget()
        await nats_server.start()
        await Commands(bus).send(SUBJECT, Greet("ann"), message_id="r1")
        await process.world.until("greet")
    assert process.code == 0


async def test_unusable_credentials_are_refused(hosting: Hosting) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with hosting(SPAWN_NATS_CREDS="/nowhere"):
            await asyncio.Event().wait()
    (rejection,) = raised.value.exceptions
    assert isinstance(rejection, Rejected)
    assert rejection.field == "SPAWN_NATS_CREDS"
