"""A launcher that answers what a test wants, over the real endpoints, and reads the reports."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

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
    Ask,
    Assignment,
    Peer,
    Peers,
    Tell,
    master_port,
    tell_all_subject,
)
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.leases import Lease
from spawn.contracts.logs import Block
from spawn.contracts.members import Facts
from spawn.contracts.pages import cut_pages
from spawn.contracts.reports import ExecOutput, Hello, JobExited, Report

ARRAY = ArrayId("training-abcdefghijkl")
INSTANCE = InstanceId("i-0123456789abcdef0")
OTHER = InstanceId("i-0fedcba9876543210")


def an_assignment(job: JobSpec, *, size: int = 1) -> Assignment:
    return Assignment(
        array_id=ARRAY,
        name="training",
        rank=0,
        size=size,
        generation=0,
        lease=Lease(until=SystemClock().now().replace(microsecond=0) + timedelta(hours=1)),
        job=job,
        master_port=master_port(ARRAY),
        peers_revision=0,
    )


def a_peer(index: int, instance_id: InstanceId, facts: Facts) -> Peer:
    return Peer(index=index, instance_id=instance_id, ip=f"10.0.0.{index + 1}", facts=facts)


@dataclass
class Launcher:
    """What is answered now, and what was said; a test changes `assignment` at will."""

    bus: Bus
    assignment: Assignment
    others: list[Peer] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)
    ips: dict[str, str] = field(default_factory=dict)
    greeted: dict[str, Facts] = field(default_factory=dict)
    said: list[tuple[str, Report]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    asked: int = 0
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer_assignment(self, message: Message) -> bytes:
        codec.decode(message.data, Ask)
        instance_id = message.subject.rpartition(".")[2]
        rank = self.ranks.setdefault(instance_id, len(self.ranks))
        self.asked += 1
        self._stirred.set()
        revision = len(self._all())
        mine = msgspec.structs.replace(
            self.assignment,
            rank=rank,
            peers_revision=revision,
            heard=instance_id in self.greeted,
        )
        return codec.encode(mine)

    async def answer_peers(self, message: Message) -> bytes:
        present = self._all()
        size = self.assignment.size
        whole = Peers(
            revision=len(present),
            complete=len(present) == size,
            size=size,
            peers=tuple(sorted(present, key=lambda each: each.index)),
        )
        return codec.encode(cut_pages(whole)[codec.decode(message.data, Ask).page])

    def _all(self) -> list[Peer]:
        return [self._peer(InstanceId(each)) for each in self.greeted] + self.others

    def _peer(self, instance_id: InstanceId) -> Peer:
        peer = a_peer(self.ranks[instance_id], instance_id, self.greeted[instance_id])
        return msgspec.structs.replace(peer, ip=self.ips.get(instance_id, peer.ip))

    async def nudge(self, tell: Tell | None = None) -> None:
        await Tells(self.bus).tell(tell_all_subject(ARRAY), tell or Tell(what="peers"))

    async def follow(self) -> None:
        source = Source(stream=reports.STREAM, filters=(f"spawn.agent.{ARRAY}.>",))
        async with aclosing(read(self.bus, source)) as items:
            async for item in items:
                if isinstance(item, Record):
                    await self._note(item.message)

    async def _note(self, message: Message) -> None:
        *_, instance_id, kind = message.subject.split(".", 4)
        shape = ExecOutput if kind.startswith("exec.") else reports.REPORTS[kind]
        report = codec.decode(message.data, shape)
        if isinstance(report, Hello):
            self.greeted[instance_id] = report.facts
        self.said.append((kind, report))
        self.ids.append(message.headers["Nats-Msg-Id"])
        self._stirred.set()
        if kind == "hello":
            await self.nudge()

    async def until(self, kind: str, count: int = 1) -> list[Report]:
        """Wait until so many reports of a kind have come, and return them."""
        async with asyncio.timeout(90):
            while len(found := [each for name, each in self.said if name == kind]) < count:
                self._stirred.clear()
                await self._stirred.wait()
        return found

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(90):
            while self.asked < count:
                self._stirred.clear()
                await self._stirred.wait()

    async def exited(self) -> JobExited:
        (report,) = await self.until("job.exited")
        assert isinstance(report, JobExited)
        return report


@asynccontextmanager
async def launching(bus: Bus, job: JobSpec, *, size: int = 1) -> AsyncGenerator[Launcher]:
    launcher = Launcher(bus, an_assignment(job, size=size))
    api = f"spawn.api.launcher.{{}}.{ARRAY}.*"
    endpoints = (
        Endpoint(
            name="assignment",
            subject=api.format("assignment"),
            answer=launcher.answer_assignment,
        ),
        Endpoint(name="peers", subject=api.format("peers"), answer=launcher.answer_peers),
    )
    async with serving(bus, "launcher", endpoints, replica="r"), asyncio.TaskGroup() as group:
        following = group.create_task(launcher.follow())
        try:
            yield launcher
        finally:
            following.cancel()


async def output_until(
    bus: Bus, enough: Callable[[list[Block]], bool], rank: int = 0
) -> list[Block]:
    """Read a rank's blocks until there are enough; fail when they are not in order, each once."""
    blocks: list[Block] = []
    line = 0
    source = output_of(ARRAY, (rank,))
    async with asyncio.timeout(90), aclosing(follow_output(bus, source)) as items:
        async for item in items:
            if isinstance(item, Logged):
                assert item.block.first_line == line
                assert item.block.data.count(b"\n") == item.block.lines
                line += item.block.lines
                blocks.append(item.block)
                if enough(blocks):
                    break
    return blocks


async def output_of_lines(bus: Bus, count: int, rank: int = 0) -> bytes:
    """Return the first lines of a rank's output."""

    def enough(blocks: list[Block]) -> bool:
        return sum(each.lines for each in blocks) >= count

    blocks = await output_until(bus, enough, rank)
    return b"".join(each.data for each in blocks)
