"""Reading jobs' output and machines' reports, on a real nats-server."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import msgspec
import pytest

from spawn.bus import streams
from spawn.bus.connection import Bus
from spawn.bus.logs import Logged, follow_output, output_of
from spawn.bus.ordered import Source
from spawn.bus.ports import CaughtUp, Restarted
from spawn.bus.said import follow_exec, last_exits
from spawn.contracts import logs, reports
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.logs import log_subject
from spawn.contracts.reports import ExecOutput, JobExited
from tests.fakes.cli_launcher import NOON, instance_of
from tests.fakes.machine import FakeMachine
from tests.fixtures.bus_samples import ARRAY

pytestmark = pytest.mark.door

OTHER = ArrayId("other-abcdefghijkl")


def machine(bus: Bus, rank: int, array: ArrayId = ARRAY) -> FakeMachine:
    return FakeMachine(bus, array, rank, instance_of(rank).id)


async def stored(bus: Bus, source: Source) -> list[Logged]:
    found: list[Logged] = []
    async with asyncio.timeout(30), aclosing(follow_output(bus, source)) as items:
        async for item in items:
            if isinstance(item, CaughtUp):
                break
            assert isinstance(item, Logged)
            found.append(item)
    return found


async def texts(bus: Bus, source: Source) -> list[tuple[int, bytes]]:
    return [(each.block.rank, each.block.data) for each in await stored(bus, source)]


async def test_blocks_come_as_they_were_sent(bus: Bus) -> None:
    await machine(bus, 3).print(b"\x00\xff\r\n\x1b[31mred\n", generation=2)
    (only,) = await stored(bus, output_of(ARRAY))
    assert only.block == logs.Block(
        rank=3, generation=2, first_line=0, lines=2, data=b"\x00\xff\r\n\x1b[31mred\n"
    )
    assert abs(bus.clock.now() - only.stored_at) < timedelta(minutes=5)


async def test_only_one_array_and_the_ranks_that_are_asked_for(bus: Bus) -> None:
    for rank in range(4):
        await machine(bus, rank).print(b"%d\n" % rank)
    await machine(bus, 1, OTHER).print(b"other\n")
    assert await texts(bus, output_of(ARRAY, (1, 3))) == [(1, b"1\n"), (3, b"3\n")]
    assert [rank for rank, _ in await texts(bus, output_of(ARRAY))] == [0, 1, 2, 3]


async def test_from_an_instant(bus: Bus) -> None:
    await machine(bus, 0).print(b"a\n")
    now = bus.clock.now()
    assert await texts(bus, output_of(ARRAY, since=now - timedelta(hours=1))) == [(0, b"a\n")]
    assert await texts(bus, output_of(ARRAY, since=now + timedelta(hours=1))) == []


async def test_a_reading_goes_on_behind_another(bus: Bus) -> None:
    speaker = machine(bus, 0)
    await speaker.print(b"a\n")
    (first,) = await stored(bus, output_of(ARRAY))
    rest = msgspec.structs.replace(output_of(ARRAY), after=first.sequence)
    assert await texts(bus, rest) == []
    await speaker.print(b"b\n")
    assert await texts(bus, rest) == [(0, b"b\n")]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"spawn-generation": "0", "spawn-first-line": "0"}, id="one missing"),
        pytest.param(
            {"spawn-generation": "0", "spawn-first-line": "-1", "spawn-lines": "1"}, id="negative"
        ),
        pytest.param(
            {"spawn-generation": "²", "spawn-first-line": "0", "spawn-lines": "1"}, id="no digit"
        ),
    ],
)
async def test_what_is_no_block_is_left_out(bus: Bus, headers: dict[str, str]) -> None:
    await bus.js.publish(log_subject(ARRAY, 0), b"x\n", headers=headers, patience=None)
    await machine(bus, 0).print(b"a\n")
    assert await texts(bus, output_of(ARRAY)) == [(0, b"a\n")]


async def test_a_stream_that_is_lost_is_read_anew(bus: Bus) -> None:
    speaker = machine(bus, 0)
    async with asyncio.timeout(60), aclosing(follow_output(bus, output_of(ARRAY))) as items:
        assert await anext(items) == CaughtUp()
        await bus.js.call(f"STREAM.DELETE.{logs.STREAM}", answer=dict[str, object])
        await streams.ensure(bus)
        await speaker.print(b"a\n")
        assert await anext(items) == Restarted()
        item = await anext(items)
    assert isinstance(item, Logged)
    assert item.block.data == b"a\n"


def output(data: bytes, exit_code: int | None = None) -> ExecOutput:
    return ExecOutput(generation=0, at=NOON, rank=9, data=data, exit_code=exit_code)


async def test_an_exec_is_followed_from_its_first_answer_on(bus: Bus) -> None:
    await machine(bus, 0).say("exec.aa", output(b"\xff\x00"))
    await machine(bus, 0).say("exec.bb", output(b"another"))
    async with asyncio.timeout(30), aclosing(follow_exec(bus, ARRAY, "aa")) as items:
        first = await anext(items)
        await bus.js.publish(
            reports.report_subject(ARRAY, "i-0", "exec.aa"), b"no", headers={}, patience=None
        )
        await machine(bus, 1).say("exec.aa", output(b"", exit_code=3))
        second = await anext(items)
    assert (first.instance_id, first.report.data) == (instance_of(0).id, b"\xff\x00")
    assert (second.instance_id, second.report.exit_code) == (instance_of(1).id, 3)


async def test_the_last_exit_of_each_machine_is_found(bus: Bus) -> None:
    def exited(code: int) -> JobExited:
        return JobExited(generation=0, at=NOON, exit_code=code, tail="no such file\n")

    first = machine(bus, 0)
    await first.say("job.exited", exited(1))
    await first.say("job.exited", exited(3))
    await machine(bus, 1).say("job.exited", exited(4))
    asked = (instance_of(0).id, InstanceId("i-silent"))
    assert await last_exits(bus, ARRAY, asked) == {instance_of(0).id: exited(3)}
    assert await last_exits(bus, ARRAY, ()) == {}
