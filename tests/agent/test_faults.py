"""What becomes of a job and its output when the agent or the bus is killed, or much is printed."""

from pathlib import Path

import pytest

from agent.processes import started_at
from spawn.bus.connection import Bus
from spawn.contracts.launches import JobSpec
from spawn.contracts.reports import JobExited
from tests.agent.launcher import launching, output_of_lines
from tests.agent.machine import WAIT, Machine
from tests.fixtures.nats import NatsServer

pytestmark = [pytest.mark.door, pytest.mark.fault]

COUNT = 60_000
NOISY = f"for i in $(seq {COUNT}); do echo line $i; done; {WAIT}"
EXPECTED = "".join(f"line {i}\n" for i in range(1, COUNT + 1)).encode()


async def test_a_killed_agent_loses_and_doubles_nothing(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec(command=NOISY)) as launcher:
        await machine.start()
        for lines in (1, 10_000, 30_000):
            await output_of_lines(bus, lines)
            await machine.kill()
            await machine.start()
        output = await output_of_lines(bus, COUNT)
        machine.go()
        exited = await launcher.exited()
    assert output == EXPECTED
    assert exited.exit_code == 0
    assert [name for name, _ in launcher.said if name.startswith("job.")] == [
        "job.started",
        "job.exited",
    ]


async def test_a_killed_bus_loses_and_doubles_nothing(
    bus: Bus, machine: Machine, nats_server: NatsServer
) -> None:
    async with launching(bus, JobSpec(command=NOISY)) as launcher:
        await machine.start()
        await output_of_lines(bus, 5_000)
        nats_server.kill()
        spool = machine.root / "var/lib/spawn/job/spool"
        await machine.until(lambda: size_of(spool) == len(EXPECTED))
        machine.go()
        await machine.until(lambda: b'"done"' in machine.journal())
        await nats_server.start()
        output = await output_of_lines(bus, COUNT)
        exited = await launcher.exited()
    assert output == EXPECTED
    assert exited.exit_code == 0


def size_of(spool: Path) -> int:
    return sum(each.stat().st_size for each in spool.glob("[0-9]*"))


async def test_a_million_lines(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec(command="seq 1000000")) as launcher:
        await machine.start()
        await launcher.until("job.started")
        output = await output_of_lines(bus, 1_000_000)
        exited = await launcher.exited()
    assert output == "".join(f"{i}\n" for i in range(1, 1_000_001)).encode()
    assert exited.tail.endswith("999999\n1000000")


async def test_binary_output_and_a_line_of_10_mb(bus: Bus, machine: Machine) -> None:
    command = r"printf '\0\377\n\r\n'; head -c 10000000 /dev/zero | tr '\0' x; printf '\nend'"
    async with launching(bus, JobSpec(command=command)) as launcher:
        await machine.start()
        output = await output_of_lines(bus, 4)
        exited = await launcher.exited()
    first, second, third, fourth, rest = output.split(b"\n")
    assert (first, second, fourth, rest) == (b"\0\xff", b"\r", b"end", b"")
    assert third.rstrip(b"]").endswith(b"[spawn: 9983616 bytes of this line are left out")
    assert isinstance(exited, JobExited)
    assert exited.tail.endswith("end")


async def test_a_job_whose_keeper_is_killed_is_ended_and_tried_again(
    bus: Bus, machine: Machine
) -> None:
    command = f"echo try $SPAWN_RESTART_COUNT $$; [ $SPAWN_RESTART_COUNT = 1 ] || {WAIT}"
    async with launching(bus, JobSpec(command=command, retries=1)) as launcher:
        await machine.start()
        first = int((await output_of_lines(bus, 1)).split()[2])
        machine.kill_keeper()
        exited = await launcher.exited()
        output = await output_of_lines(bus, 2)
    assert (exited.exit_code, exited.restarts) == (0, 1)
    assert output.splitlines()[1].startswith(b"try 1 ")
    assert started_at(first) == ""
