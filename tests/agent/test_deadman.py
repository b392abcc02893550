"""The dead-man switch as the agent arms it, where arming fails."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import Clock, read_instant, write_instant
from agent.config import read_config
from agent.deadman import NotArmed, arm, armed_lease, is_armed, skew_of
from agent.metadata import Instance
from agent.orders import read_assignment
from agent.state import Machine
from spawn.bus import codec
from spawn.contracts.launches import JobSpec
from tests.agent.launcher import ARRAY, INSTANCE, an_assignment

ASSIGNMENT = read_assignment(codec.encode(an_assignment(JobSpec())))


def a_machine(root: Path, switch: str) -> Machine:
    """Return a machine whose switch is a program of the test's own."""
    environment = {
        "SPAWN_ROOT": str(root),
        "SPAWN_DEPLOYMENT": "d-1",
        "SPAWN_ARRAY_ID": ARRAY,
        "SPAWN_GENERATION": "0",
        "SPAWN_BUS_URL": "nats://127.0.0.1:1",
    }
    instance = Instance(INSTANCE, "127.0.0.1", "eu-central-1")
    machine = Machine(read_config(environment), instance, "boot-1", Clock())
    program = machine.places.programs / "deadman"
    program.parent.mkdir(parents=True)
    program.write_text(switch)
    program.chmod(0o755)
    return machine


def is_running(program: Path) -> bool:
    lines = Path("/proc").glob("[0-9]*/cmdline")
    return any(os.fsencode(program) in read(line) for line in lines)


def read(line: Path) -> bytes:
    try:
        return line.read_bytes()
    except OSError:
        return b""


async def test_a_switch_that_fails_says_why(tmp_path: Path) -> None:
    machine = a_machine(tmp_path, "#!/bin/sh\necho no systemd >&2; exit 3\n")
    with pytest.raises(NotArmed, match="no systemd"):
        await arm(machine, ASSIGNMENT)
    assert not is_armed(machine.places, ASSIGNMENT)


async def test_a_switch_that_hangs_is_ended(tmp_path: Path) -> None:
    never = tmp_path / "never"
    os.mkfifo(never)
    machine = a_machine(tmp_path, f"#!/bin/sh\nread -r line <{never}\n")
    with pytest.raises(NotArmed, match="too long"):
        await arm(machine, ASSIGNMENT, within=timedelta())
    assert not is_running(machine.places.programs / "deadman")


SWITCH = """#!/bin/sh
mkdir -p "{etc}"
echo "$2 $3" >"{etc}/armed"
echo "$4" >"{etc}/cap"
"""
AHEAD = timedelta(minutes=5)


class WrongClock(Clock):
    """A clock that is ahead by so much."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


def with_switch(root: Path) -> Machine:
    return a_machine(root, SWITCH.format(etc=root / "etc/spawn"))


@pytest.mark.parametrize("ahead", [AHEAD, -AHEAD], ids=["ahead", "behind"])
async def test_a_wrong_clock_is_armed_by_what_it_will_show(
    tmp_path: Path, ahead: timedelta
) -> None:
    machine = replace(with_switch(tmp_path), clock=WrongClock(ahead))
    until = read_instant(ASSIGNMENT.lease)
    await arm(machine, ASSIGNMENT, ahead)
    shown = read_instant((tmp_path / "etc/spawn/armed").read_text().split()[0])
    assert shown == until + ahead
    cap = int((tmp_path / "etc/spawn/cap").read_text())
    assert abs(cap - ((until - Clock().now()).total_seconds() + 600)) < 60
    assert read_instant(armed_lease(machine.places) or "") == until
    assert is_armed(machine.places, ASSIGNMENT, ahead + timedelta(seconds=3))
    later = replace(ASSIGNMENT, lease=write_instant(until + timedelta(seconds=5)))
    assert not is_armed(machine.places, later, ahead)


async def test_a_clock_that_is_set_right_again_is_armed_anew(tmp_path: Path) -> None:
    machine = with_switch(tmp_path)
    await arm(machine, ASSIGNMENT, AHEAD)
    assert not is_armed(machine.places, ASSIGNMENT)
    await arm(machine, ASSIGNMENT)
    assert is_armed(machine.places, ASSIGNMENT)
    assert armed_lease(machine.places) == f"{ASSIGNMENT.lease[:19]}Z"


async def test_small_differences_are_not_corrected_for(tmp_path: Path) -> None:
    machine = with_switch(tmp_path)
    await arm(machine, ASSIGNMENT, timedelta(seconds=19))
    assert is_armed(machine.places, ASSIGNMENT, timedelta(seconds=-19))


@pytest.mark.parametrize(
    ("answer", "took", "skew"),
    [
        (timedelta(minutes=-5), timedelta(seconds=2), timedelta(minutes=5, seconds=1)),
        (timedelta(minutes=5), timedelta(), timedelta(minutes=-5)),
        (timedelta(), timedelta(seconds=11), None),
        (timedelta(), timedelta(seconds=-1), None),
        (None, timedelta(), None),
    ],
    ids=["ahead", "behind", "too slow to say", "set back meanwhile", "not told"],
)
def test_skew_is_by_how_much_the_machine_s_clock_is_ahead(
    answer: timedelta | None, took: timedelta, skew: timedelta | None
) -> None:
    asked = read_instant("2026-12-01T12:00:00Z")
    told = None if answer is None else asked + answer
    assert skew_of(told, asked, asked + took) == skew
