"""The whole life of a machine's job, with the real archive and a real nats-server."""

import json

import pytest

from spawn.bus.connection import Bus
from spawn.contracts.launches import JobSpec, OnComplete
from tests.agent.launcher import launching, output_of_lines
from tests.agent.machine import Machine

pytestmark = pytest.mark.door


async def test_hello_peers_job_output_exit_and_power_off(bus: Bus, machine: Machine) -> None:
    job = JobSpec(
        command="echo rank $JOB_ARRAY_INDEX of $JOB_ARRAY_SIZE; echo to stderr >&2; exit 3",
        on_complete=OnComplete.TERMINATE,
    )
    async with launching(bus, job) as launcher:
        await machine.start()
        exited = await launcher.exited()
        output = await output_of_lines(bus, 2)
        await machine.until_called("shutdown -P now")
    assert output == b"rank 0 of 1\nto stderr\n"
    assert (exited.exit_code, exited.restarts) == (3, 0)
    assert exited.tail == "rank 0 of 1\nto stderr"
    assert exited.reason == "command: exit code 3"
    peers = json.loads((machine.root / "etc/spawn/job-array-peers.json").read_text())
    assert [each["index"] for each in peers] == [0]
    assert [name for name, _ in launcher.said] == ["hello", "job.started", "job.exited"]
