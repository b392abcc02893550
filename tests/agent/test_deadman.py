"""The dead-man switch as the agent arms it, where arming fails."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.config import read_config
from agent.deadman import NotArmed, arm, is_armed
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
