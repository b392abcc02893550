"""The machines of a fake launcher's arrays, heard and seen on a real bus as real ones are."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.message import Message
from spawn.bus.stores import Store
from spawn.contracts import arrays, events, members
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import (
    API_EXEC,
    API_ROSTER,
    ExecRequest,
    ExecStarted,
    Peer,
    Peers,
    RosterRequest,
)
from spawn.contracts.checkpoints import API_CHECKPOINT, CheckpointAsked, CheckpointRequest
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Facts, Member, MemberState, member_key
from spawn.contracts.pages import LARGEST_PAGE, cut_pages
from spawn.contracts.ranks import format_ranks
from spawn.contracts.reports import CheckpointLost, ExecOutput, JobExited
from spawn.errors import Rejected
from tests.fakes.cli_launcher import NOON, FakeLauncher, instance_of
from tests.fakes.machine import FakeMachine

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample"


class FakeMachines:
    """`silent` ranks have not said hello; `answers` are what an exec is answered, by rank.

    `ended` ranks have, and are gone. `checkpoints` says by rank why one fails, if it does.
    """

    def __init__(self, bus: Bus, launcher: FakeLauncher) -> None:
        self._bus = bus
        self._launcher = launcher
        self._arrays = Store(bus, arrays.BUCKET, Array)
        self._members = Store(bus, members.BUCKET, Member)
        self.silent: set[int] = set()
        self.ended: set[int] = set()
        self.page_bytes = LARGEST_PAGE
        self.answers: dict[int, list[ExecOutput]] = {}
        self.asked: list[ExecRequest] = []
        self.checkpoints: dict[int, str] = {}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["FakeMachines"]:
        endpoints = (
            Endpoint(name="roster", subject=API_ROSTER, answer=self._roster),
            Endpoint(name="exec", subject=API_EXEC, answer=self._exec),
            Endpoint(name="checkpoint", subject=API_CHECKPOINT, answer=self._checkpoint),
        )
        async with serving(self._bus, "machines", endpoints, replica="one"):
            yield self

    def machine(self, array: ArrayId, rank: int) -> FakeMachine:
        return FakeMachine(self._bus, array, rank, instance_of(rank).id)

    async def only(self) -> ArrayId:
        """Return the id of the one array that there is."""
        (array,) = await self._arrays.load("*")
        return ArrayId(array)

    async def exit(self, array: ArrayId, rank: int, code: int, *, tail: str = "") -> None:
        """End a member's job."""
        report = JobExited(generation=0, at=NOON, exit_code=code, tail=tail)
        await self.machine(array, rank).say("job.exited", report)
        await self._change(array, rank, state=MemberState.EXITED, exit_code=code)
        await self._launcher.tell(
            array, events.MemberExited(rank=rank, generation=0, exit_code=code)
        )

    async def finish(self, array: ArrayId, codes: dict[int, int], *, tail: str = "") -> None:
        """End the job of all members, and with it the array's."""
        for rank, code in codes.items():
            await self.exit(array, rank, code, tail=tail if code else "")
        entry = await self._arrays.get(array)
        failed = format_ranks(rank for rank, code in codes.items() if code)
        finished = msgspec.structs.replace(entry.value, state=ArrayState.FINISHED)
        await self._arrays.update(array, finished, entry.revision)
        await self._launcher.tell(
            array, events.ArrayFinished(succeeded=not failed, failed_ranks=failed)
        )

    async def greet(self, array: ArrayId, rank: int, facts: Facts) -> None:
        """Let a member say who it is."""
        await self._change(array, rank, state=MemberState.READY, facts=facts)

    async def lose(self, array: ArrayId, rank: int) -> None:
        """End a member's instance, unasked."""
        instance = instance_of(rank, InstanceState.TERMINATED)
        await self._change(
            array, rank, state=MemberState.LOST, instance=instance, reason="spot capacity"
        )

    async def _change(self, array: ArrayId, rank: int, **changes: object) -> None:
        key = member_key(array, rank)
        entry = await self._members.get(key)
        changed = msgspec.structs.replace(entry.value, **changes)
        await self._members.update(key, changed, entry.revision)

    async def _roster(self, message: Message) -> bytes:
        request = codec.decode(message.data, RosterRequest)
        array = (await self._arrays.get(request.array_id)).value
        peers = tuple(
            Peer(
                index=rank,
                instance_id=instance_of(rank).id,
                ip="" if rank in self.ended else instance_of(rank).private_ip,
                facts=Facts(slots=rank + 2, host_key=HOST_KEY),
            )
            for rank in range(array.size)
            if rank not in self.silent
        )
        complete = len(peers) == array.size
        whole = Peers(revision=1, complete=complete, size=array.size, peers=peers)
        return codec.encode(cut_pages(whole, largest=self.page_bytes)[request.page])

    async def _checkpoint(self, message: Message) -> bytes:
        request = codec.decode(message.data, CheckpointRequest)
        for rank in (ranks := request.ranks or tuple(self.checkpoints)):
            done = events.CheckpointFinished(
                rank=rank, generation=0, request_id="r1", seconds=1.25
            )
            lost = events.CheckpointFailed(
                rank=rank, generation=0, request_id="r1", reason=self.checkpoints[rank]
            )
            if lost.reason:
                report = CheckpointLost(
                    generation=0, at=NOON, seconds=1.0, reason=lost.reason, tail="no space\n"
                )
                await self.machine(request.array_id, rank).say("checkpoint.failed", report)
            await self._launcher.tell(request.array_id, lost if lost.reason else done)
        return codec.encode(CheckpointAsked(request_id="r1", ranks=ranks))

    async def _exec(self, message: Message) -> bytes:
        request = codec.decode(message.data, ExecRequest)
        self.asked.append(request)
        array = (await self._arrays.get(request.array_id)).value
        ranks = request.ranks or tuple(range(array.size))
        if self.silent & set(ranks):
            raise Rejected(f"ranks={sorted(self.silent)}: no machine answers there", field="ranks")
        name = f"e{len(self.asked)}"
        for rank in ranks:
            machine = self.machine(array.id, rank)
            for answer in self.answers.get(rank, ()):
                await machine.say(f"exec.{name}", answer)
        return codec.encode(ExecStarted(exec_id=name, ranks=ranks))
