"""A service that hears what machines say, on a real nats-server."""

from datetime import UTC, datetime
from typing import Any

import pytest

from spawn.bus import codec, dead
from spawn.bus.connection import Bus
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.streams import DEAD, ensure
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.members import Facts
from spawn.contracts.reports import (
    ExecOutput,
    Heartbeat,
    Hello,
    JobExited,
    Report,
    report_subject,
)
from tests.fakes.machine import FakeMachine
from tests.fixtures.streams import dead_letter, held
from tests.spawn.runtime.conftest import Hosting

pytestmark = pytest.mark.door

ARRAY = ArrayId("training-abcdefghijkl")
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HELLO = Hello(generation=0, at=NOON, boot_id="b", agent_version="1", facts=Facts(hostname="h"))
EXITED = JobExited(generation=0, at=NOON, exit_code=3)


def machine(bus: Bus, instance: str = "i-1") -> FakeMachine:
    return FakeMachine(bus, ARRAY, 0, InstanceId(instance))


async def test_reports_of_the_kinds_asked_for_are_heard_with_the_subjects_ids(
    bus: Bus, hosting: Hosting
) -> None:
    async with hosting() as process:
        await process.until_ready()
        one = machine(bus)
        await one.say("heartbeat", Heartbeat(generation=0, at=NOON, window_seconds=60))
        await one.say("exec.1", ExecOutput(generation=0, at=NOON, rank=0))
        await one.say("hello", HELLO)
        await one.say("job.exited", EXITED)
        await process.world.until("settled", 2)
    heard: dict[type[Report], Report] = {
        type(each.report): each.report for each in process.world.said
    }
    assert heard == {Hello: HELLO, JobExited: EXITED}
    assert {(each.array_id, each.instance_id) for each in process.world.said} == {(ARRAY, "i-1")}


async def test_what_was_said_while_nobody_heard_is_heard_later(bus: Bus, hosting: Hosting) -> None:
    await ensure(bus)
    await machine(bus).say("hello", HELLO)
    async with hosting() as process:
        await process.until_ready()
        await process.world.until("settled")
    process.run_file.unlink()
    async with hosting() as again:
        await again.until_ready()
        await machine(bus).say("job.exited", EXITED)
        await again.world.until("settled")
    assert [type(each.report) for each in again.world.said] == [JobExited]


async def test_a_report_that_comes_too_early_is_heard_again(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        await machine(bus, "i-early").say("hello", HELLO)
        await process.world.until("settled")
    assert [each.report for each in process.world.said] == [HELLO, HELLO]


async def test_the_same_report_sent_again_is_heard_once(bus: Bus, hosting: Hosting) -> None:
    async with hosting() as process:
        await process.until_ready()
        for _ in range(2):
            # A new one numbers its reports from the start, as after a crash.
            await machine(bus).say("hello", HELLO)
        await machine(bus).say("job.exited", EXITED)
        await process.world.until("settled", 2)
    assert len(process.world.said) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"hello", "schema", id="no JSON"),
        pytest.param(b'{"generation":0}', "schema", id="a field is missing"),
        pytest.param(codec.encode(EXITED), "schema", id="another kind of report"),
    ],
)
async def test_what_is_no_report_is_put_aside(
    bus: Bus, hosting: Hosting, body: bytes, why: str
) -> None:
    async with hosting() as process:
        await process.until_ready()
        await publish(bus, "i-1", body)
        letter = await dead_letter(bus)
        assert letter.headers[dead.CODE] == why
        await machine(bus).say("hello", HELLO)
        await process.world.until("settled")
    assert len(process.world.said) == 1


async def test_a_report_of_nobodys_machine_is_done_with_and_the_others_are_heard(
    bus: Bus, hosting: Hosting
) -> None:
    async with hosting() as process:
        await process.until_ready()
        await machine(bus, "i-stranger").say("hello", HELLO)
        await machine(bus).say("hello", HELLO)
        await process.world.until("settled")
    assert sorted(each.instance_id for each in process.world.said) == ["i-1", "i-stranger"]
    assert await held(bus, DEAD) == 0


async def publish(bus: Bus, instance: str, body: bytes) -> Any:
    subject = report_subject(ARRAY, instance, "hello")
    headers = {MESSAGE_ID: f"{instance}/hello/boot/raw"}
    return await bus.js.publish(subject, body, headers=headers, patience=None)
