"""Machines of a modelled cloud: each boots, runs its job when it may, and leaves when told."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.launcher.handlers.rendezvous import on_assignment, on_report
from services.launcher.ports import World
from spawn.bus.ports import Reported, Request
from spawn.contracts import notices
from spawn.contracts.assignments import Ask, Assignment
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.members import Facts
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, notice_key
from spawn.contracts.ranks import parse_ranks
from spawn.contracts.reports import Hello, JobExited, JobStarted, Report
from spawn.errors import Conflict, Outcome
from tests.fakes.bus import FakeStore
from tests.fakes.ec2 import Machine
from tests.fixtures.fencing import Run
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.power import Crash

_POLL = timedelta(seconds=1)


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How machines behave: how long work and its saving take, and whether they say so."""

    work: timedelta = timedelta(minutes=10)
    save: timedelta = timedelta(seconds=30)
    mute: bool = False


class Life:
    """One instance from its boot to its end."""

    def __init__(self, machine: Machine, plane: Plane) -> None:
        self.machine = machine
        self.array_id = ArrayId(machine.tags["spawn:array-id"])
        self.rank = parse_ranks(machine.tags["spawn:ranks"])[machine.launch_index]
        self.generation = int(machine.tags["spawn:generation"])
        self.told = asyncio.Event()
        self.saves = 0
        self.run: Run | None = None
        self._plane = plane

    @property
    def is_up(self) -> bool:
        return self.machine.ended_at is None

    async def live(self, habits: Habits) -> None:
        plane = self._plane
        now = plane.clock.now
        assignment = await self._assigned()
        await self._say(
            Hello(
                generation=self.generation,
                at=now(),
                boot_id="b",
                agent_version="1",
                facts=Facts(),
            )
        )
        while not assignment.may_start and not self.told.is_set():
            await plane.clock.sleep(_POLL)
            assignment = await self._assigned()
        if not self.told.is_set():
            begun = now()
            self.run = Run(self.array_id, self.rank, self.generation, begun)
            await self._say(JobStarted(generation=self.generation, at=begun))
            with suppress(TimeoutError):
                async with asyncio.timeout(habits.work.total_seconds()):
                    await self.told.wait()
        await self._leave(habits)

    async def _leave(self, habits: Habits) -> None:
        plane, interrupted = self._plane, self.told.is_set()
        if interrupted:
            self.saves += 1
            await plane.clock.sleep(habits.save)
        if self.run is not None:
            self.run = msgspec.structs.replace(self.run, ended=plane.clock.now())
        if not (interrupted and habits.mute):
            code = 143 if interrupted else 0
            exited = JobExited(
                generation=self.generation,
                at=plane.clock.now(),
                exit_code=code,
                interrupted=interrupted,
            )
            await self._say(exited)
        if not interrupted:
            plane.ec2.reclaim(self.machine.id, "Client.InstanceInitiatedShutdown")

    async def _assigned(self) -> Assignment:
        subject = f"spawn.api.launcher.assignment.{self.array_id}.{self.machine.id}"

        async def ask(world: World) -> Assignment:
            return await on_assignment(Request(subject=subject, body=Ask()), world)

        return await self._until_answered(ask)

    async def _say(self, report: Report) -> None:
        said = Reported(
            report=report, array_id=self.array_id, instance_id=self.machine.id, sequence=1
        )

        async def tell(world: World) -> None:
            await on_report(said, world)

        await self._until_answered(tell)

    async def _until_answered(self, ask: Any) -> Any:
        """Ask the replicas that live until one answers: reports and questions wait for them."""
        while True:
            for replica in self._plane.living():
                with suppress(Outcome, Crash):
                    return await ask(replica.world)
            await self._plane.clock.sleep(_POLL)


class Machines:
    """All instances, as machines."""

    def __init__(self, plane: Plane, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.lives: dict[InstanceId, Life] = {}
        self._plane = plane
        self._tasks: list[asyncio.Task[None]] = []
        self._start(self._watch())

    def runs(self) -> list[Run]:
        """Return every run of a job; one that was cut off ended with its machine."""
        found: list[Run] = []
        for life in self.lives.values():
            if life.run is not None:
                ended = life.run.ended or life.machine.ended_at
                found.append(msgspec.structs.replace(life.run, ended=ended))
        return found

    def of_rank(self, rank: int) -> list[Life]:
        """Return the machines that a rank has had, the first one first."""
        return [life for life in self.lives.values() if life.rank == rank]

    def notice(self, life: Life, dies_at: datetime, *, heard: bool = True) -> None:
        """Have the cloud take a machine away: noticed as the watcher does, and heard there."""
        store = FakeStore(self._plane.bus, notices.BUCKET, Notice)
        notice = Notice(
            array_id=life.array_id,
            rank=life.rank,
            generation=life.generation,
            instance_id=life.machine.id,
            kind=NoticeKind.INTERRUPTION,
            action=NoticeAction.TERMINATE,
            noticed_at=self._plane.clock.now(),
            dies_at=dies_at,
        )
        key = notice_key(life.machine.id, notice.kind, notice.action)

        async def create() -> None:
            with suppress(Conflict):
                await store.create(key, notice)

        self._start(create())
        if heard:
            life.told.set()

    def close(self) -> None:
        """End all of it; what has failed says so."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()
            task.cancel()
        self._plane.run(0.0)

    async def _watch(self) -> None:
        while True:
            for machine in list(self._plane.ec2.machines.values()):
                if machine.id not in self.lives:
                    life = self.lives[machine.id] = Life(machine, self._plane)
                    self._start(self._live(life))
            await self._plane.clock.sleep(_POLL)

    async def _live(self, life: Life) -> None:
        async with asyncio.TaskGroup() as group:
            living = group.create_task(life.live(self.habits))
            while life.is_up and not living.done():
                await self._plane.clock.sleep(_POLL)
            living.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._plane.loop.create_task(work))
