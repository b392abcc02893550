"""The boot script, the dead-man switch and the agent on machines of the laptop cloud."""

import asyncio
import hashlib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from scripts.build_agent import ROOT, build, compose_user_data
from services.launcher.plan.boot import render_user_data
from spawn.bus.connection import Bus
from spawn.clock import SystemClock
from spawn.contracts.arrays import Boot
from spawn.contracts.launches import JobSpec, OnComplete
from spawn.contracts.leases import Lease, format_instant
from tests.agent.launcher import ARRAY, launching, output_of_lines
from tests.builders import a_chunk, an_array
from tests.fixtures.nats import NatsServer
from tests.sandbox.launches import until
from tests.sandbox.machines.conftest import machines, real
from tests.sandbox.machines.machines import Machine, Machines, eventually

__all__ = ["machines", "real"]

pytestmark = pytest.mark.e2e

ENDS: dict[str, Any] = {"InstanceInitiatedShutdownBehavior": "terminate"}
STOPS: dict[str, Any] = {"InstanceInitiatedShutdownBehavior": "stop"}


def user_data(folder: Path, bus_url: str, lives: timedelta) -> str:
    pyz = build(folder / "agent.pyz")
    boot = Boot(
        agent_url=f"file://{pyz}",
        agent_sha256=hashlib.sha256(pyz.read_bytes()).hexdigest(),
        bus_url=bus_url,
        bus_fingerprint="",
    )
    now = SystemClock().now()
    array = msgspec.structs.replace(
        an_array(), id=ARRAY, accepted_at=now, lease=Lease(until=now + lives)
    )
    return render_user_data(compose_user_data(ROOT / "agent/boot"), array, a_chunk(), boot)


async def test_members_meet_run_and_power_off(
    bus: Bus, nats_server: NatsServer, machines: Machines, tmp_path: Path
) -> None:
    command = "echo $JOB_ARRAY_INDEX/$JOB_ARRAY_SIZE $MASTER_ADDR; grep -c ip $SPAWN_PEERS_FILE"
    job = JobSpec(command=command, on_complete=OnComplete.TERMINATE)
    script = user_data(tmp_path, nats_server.url, timedelta(hours=1))
    async with launching(bus, job, size=3) as launcher:
        made = await asyncio.to_thread(machines.begin, script, 3, **ENDS)
        launcher.ips = {each.id: each.ip for each in made}
        exits = await launcher.until("job.exited", 3)
        first = {rank: instance for instance, rank in launcher.ranks.items()}[0]
        for rank in range(3):
            output = await output_of_lines(bus, 2, rank)
            assert output.decode() == f"{rank}/3 {launcher.ips[first]}\n3\n"
        await asyncio.to_thread(until, machines.ec2, "terminated", [each.id for each in made])
    assert len(exits) == 3


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [pytest.param(ENDS, "terminated", id="ends"), pytest.param(STOPS, "stopped", id="stops")],
)
def test_a_machine_ends_at_its_lease_though_nobody_is_there(
    machines: Machines, tmp_path: Path, behaviour: dict[str, Any], state: str
) -> None:
    # Over when it boots: 15 s after its lease a machine ends, and that is soon.
    begun = SystemClock().monotonic()
    script = user_data(tmp_path, "nats://127.0.0.1:1", timedelta(seconds=-8))
    (machine,) = machines.begin(script, **behaviour)
    eventually(lambda: machine.state == state, machine.console)
    assert SystemClock().monotonic() - begun > 5
    # What is only stopped keeps its disk.
    assert state == "terminated" or (machine.root / "etc/spawn/lease").exists()


def test_a_machine_that_is_started_after_its_lease_waits_for_a_longer_one(
    machines: Machines, tmp_path: Path
) -> None:
    script = user_data(tmp_path, "nats://127.0.0.1:1", timedelta(hours=1))
    (machine,) = machines.launch(script)
    machines.ec2.stop_instances(InstanceIds=[machine.id])
    until(machines.ec2, "stopped", [machine.id])
    past = format_instant(SystemClock().now() - timedelta(hours=1))
    (machine.root / "etc/spawn/lease").write_text(f"{past} terminate\n")
    machines.ec2.start_instances(InstanceIds=[machine.id])
    machine.says("boot 2")
    eventually(lambda: is_waiting(machine))
    later = format_instant(SystemClock().now() + timedelta(hours=1))
    machine.run(str(machine.root / "usr/local/lib/spawn/deadman"), "arm", later, "stop", "9000")
    assert machine.state == "running"
    assert machine.run("systemctl", "is-active", "spawn-agent.service") == "active"


def is_waiting(machine: Machine) -> bool:
    return any(" ".join(words).startswith("sleep 1") for words in commands_of(machine))


def commands_of(machine: Machine) -> list[list[str]]:
    found: list[list[str]] = []
    for process in machine.processes():
        with suppress(psutil.NoSuchProcess):
            found.append(process.cmdline())
    return found
