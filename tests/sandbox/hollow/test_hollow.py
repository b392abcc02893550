"""Hollow machines against a sandbox, a bus, and a launcher that answers their questions."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.logs import Logged, follow_output, output_of
from spawn.bus.message import Message
from spawn.bus.ordered import Record, Source, read
from spawn.bus.publish import Tells
from spawn.clock import SystemClock
from spawn.contracts import reports
from spawn.contracts.assignments import (
    Assignment,
    Peer,
    Peers,
    Tell,
    master_port,
    tell_all_subject,
    tell_subject,
)
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec, OnComplete
from spawn.contracts.leases import Lease
from spawn.contracts.reports import ExecOutput, Hello, JobExited, Report
from spawn.errors import NotFound
from tests.fixtures.nats import NatsServer, bus, nats_server
from tests.fixtures.sandbox import ROOT, RunningSandbox, running_sandbox
from tests.sandbox.conftest import QUICK
from tests.sandbox.launches import described, ids, image, run, until

__all__ = ["bus", "nats_server"]

pytestmark = pytest.mark.e2e

ARRAY = ArrayId("training-abcdefghijkl")
SIZE = 12
LEASE = Lease(until=SystemClock().now() + timedelta(hours=1))
SCRIPT = {"job": [0, 0.1], "lines": 2, "ranks": {"3": {"exit_code": 3, "hello": 0.5}}}


class Launcher:
    """Knows the ranks of instances, and all that the machines have said."""

    def __init__(self, the_bus: Bus, ranks: dict[str, int]) -> None:
        self._bus = the_bus
        self.ranks = ranks
        self.said: list[tuple[str, str, Report]] = []
        self.ids: Counter[str] = Counter()
        self._stirred = asyncio.Event()

    def endpoints(self) -> tuple[Endpoint, ...]:
        api = f"spawn.api.launcher.{{}}.{ARRAY}.*"
        return (
            Endpoint(name="a", subject=api.format("assignment"), answer=self._assignment),
            Endpoint(name="p", subject=api.format("peers"), answer=self._peers),
        )

    async def _assignment(self, message: Message) -> bytes:
        instance = message.subject.rpartition(".")[2]
        if instance not in self.ranks:
            raise NotFound("no such member")
        return codec.encode(
            Assignment(
                array_id=ARRAY,
                name="training",
                rank=self.ranks[instance],
                size=SIZE,
                generation=0,
                lease=LEASE,
                job=JobSpec(command="true", on_complete=OnComplete.TERMINATE),
                master_port=master_port(ARRAY),
                peers_revision=len(self._greeted()),
            )
        )

    async def _peers(self, _message: Message) -> bytes:
        greeted = self._greeted()
        peers = tuple(
            Peer(index=self.ranks[one], instance_id=InstanceId(one), ip="127.0.0.1")
            for one in sorted(greeted, key=self.ranks.__getitem__)
        )
        return codec.encode(
            Peers(revision=len(greeted), complete=len(greeted) == SIZE, size=SIZE, peers=peers)
        )

    def _greeted(self) -> set[str]:
        return {instance for instance, kind, _ in self.said if kind == "hello"}

    async def follow(self) -> None:
        source = Source(stream=reports.STREAM, filters=(f"spawn.agent.{ARRAY}.>",))
        async with aclosing(read(self._bus, source)) as items:
            async for item in items:
                if isinstance(item, Record):
                    await self._note(item.message)

    async def _note(self, message: Message) -> None:
        _, _, _, instance, kind = message.subject.split(".", 4)
        shape = ExecOutput if kind.startswith("exec.") else reports.REPORTS[kind]
        self.said.append((instance, kind, codec.decode(message.data, shape)))
        self.ids[message.headers["Nats-Msg-Id"]] += 1
        self._stirred.set()
        if kind == "hello" and len(self._greeted()) == SIZE:
            await Tells(self._bus).tell(tell_all_subject(ARRAY), Tell(what="peers"))

    async def until(self, kind: str, count: int) -> dict[str, Report]:
        async with asyncio.timeout(90):
            while len(found := [s for s in self.said if s[1] == kind]) < count:
                self._stirred.clear()
                await self._stirred.wait()
        return {instance: report for instance, _, report in found}


@contextmanager
def playing(state: Path, server: NatsServer, script: dict[str, Any]) -> Generator[None]:
    file = state / "script.json"
    file.write_text(json.dumps(script))
    environment = {**os.environ, "SPAWN_NATS_URL": server.url}  # noqa: TID251  for a child
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.hollow", "--state", str(state), "--script", str(file)],
        cwd=ROOT,
        env=environment,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "cloud", QUICK, machines="hollow") as sandbox:
        yield sandbox


@pytest.fixture
async def launcher(bus: Bus, cloud: RunningSandbox) -> AsyncIterator[Launcher]:
    ec2: Any = cloud.client("ec2")
    values = {"spawn:array-id": ARRAY, "spawn:ranks": f"0-{SIZE - 1}", "spawn:generation": "0"}
    tags = [{"Key": key, "Value": value} for key, value in values.items()]
    made = ids(
        run(
            ec2,
            image(cloud),
            SIZE,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            InstanceInitiatedShutdownBehavior="terminate",
        )
    )
    found = Launcher(bus, {instance: rank for rank, instance in enumerate(made)})
    async with serving(bus, "launcher", found.endpoints(), replica="r"), asyncio.TaskGroup() as g:
        following = g.create_task(found.follow())
        yield found
        following.cancel()


async def test_hollow_machines_live_as_running_ones_do(
    bus: Bus, nats_server: NatsServer, cloud: RunningSandbox, launcher: Launcher
) -> None:
    with playing(cloud.state, nats_server, SCRIPT):
        hellos = await launcher.until("hello", SIZE)
        exits = await launcher.until("job.exited", SIZE)
        codes = {
            launcher.ranks[instance]: exited.exit_code
            for instance, exited in exits.items()
            if isinstance(exited, JobExited)
        }
        assert codes == {rank: 3 if rank == 3 else 0 for rank in range(SIZE)}
        assert all(isinstance(one, Hello) and one.boot_id for one in hellos.values())
        assert max(launcher.ids.values()) == 1
        await asyncio.to_thread(until, cloud.client("ec2"), "terminated", list(launcher.ranks))
    kinds = [kind for _, kind, _ in launcher.said]
    assert kinds.index("job.started") > max(
        number for number, kind in enumerate(kinds) if kind == "hello"
    ), "a job began before the peers were complete"
    printed: list[bytes] = []
    async with asyncio.timeout(60), aclosing(follow_output(bus, output_of(ARRAY))) as items:
        async for item in items:
            if isinstance(item, Logged):
                printed.append(item.block.data)
            if len(printed) == SIZE:
                break
    assert b"hollow rank 3 line 0\nhollow rank 3 line 1\n" in printed


async def test_an_exec_request_is_answered_by_those_it_is_for(
    bus: Bus, nats_server: NatsServer, cloud: RunningSandbox, launcher: Launcher
) -> None:
    with playing(cloud.state, nats_server, {"job": 3600}):
        await launcher.until("job.started", SIZE)
        chosen = next(one for one, rank in launcher.ranks.items() if rank == 5)
        tell = Tell(what="exec", exec_id="e1", argv=("true",))
        await Tells(bus).tell(tell_subject(ARRAY, InstanceId(chosen)), tell)
        answers = await launcher.until("exec.e1", 1)
        (answer,) = answers.values()
        assert isinstance(answer, ExecOutput)
        assert (answer.rank, answer.exit_code) == (5, 0)


def test_the_admin_api_tells_what_runs(cloud: RunningSandbox) -> None:
    ec2: Any = cloud.client("ec2")
    made = ids(run(ec2, image(cloud), 2))
    until(ec2, "running", made)
    _, listing = cloud.admin.request("GET", "/_spawn/machines")
    assert {one["instance_id"] for one in listing["machines"]} == set(made)
    assert {one["rank"] for one in listing["machines"]} == {0, 1}
    status, _ = cloud.admin.request("POST", "/_spawn/power-off", {"instance_id": made[0]})
    assert status == 200
    until(ec2, "stopped", [made[0]])
    (stopped,) = described(ec2, InstanceIds=[made[0]])
    assert stopped["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    status, _ = cloud.admin.request("POST", "/_spawn/power-off", {"instance_id": made[0]})
    assert status == 404
    status, _ = cloud.admin.request("POST", "/_spawn/power-off", {"instance": made[0]})
    assert status == 400
