"""One agent, from its instance's start to its end."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from secrets import token_hex
from typing import NamedTuple, TypeVar

import msgspec

from sandbox.hollow.script import Script
from sandbox.machines.listing import Listed
from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.pages import ask_pages
from spawn.bus.requests import request
from spawn.clock import Clock, wait_event
from spawn.contracts import logs, reports
from spawn.contracts.assignments import (
    API_ASSIGNMENT,
    API_PEERS,
    ASK_EVERY_SECONDS,
    Ask,
    Assignment,
    Peers,
    Tell,
)
from spawn.contracts.launches import OnComplete
from spawn.contracts.logs import Block
from spawn.contracts.members import Facts
from spawn.errors import Outcome
from spawn.telemetry.log import get_logger

_ASK_EVERY = timedelta(seconds=ASK_EVERY_SECONDS)
_BEAT_EVERY = timedelta(seconds=60)
_RETRY = timedelta(seconds=1)
_VERSION = "hollow"

T = TypeVar("T")

_log = get_logger(__name__)


class Stage(NamedTuple):
    """What all agents share; `turns` bounds how many of them speak at once."""

    bus: Bus
    clock: Clock
    script: Script
    randomness: random.Random
    turns: asyncio.Semaphore
    power_off: Callable[[str], Awaitable[None]]


class Agent:
    """Plays the agent of one instance."""

    def __init__(self, machine: Listed, stage: Stage) -> None:
        self.machine = machine
        self.complete = asyncio.Event()
        """Set once its peers are complete: where a running machine has its peers file."""
        self.size = 0
        self.begun_at = stage.clock.monotonic()
        self.greeted_at = 0.0
        self.completed_at = 0.0
        self._stage = stage
        self._boot = token_hex(16)
        self._number = 0
        self._nudged = asyncio.Event()
        self._warned = asyncio.Event()
        self._assignment: Assignment | None = None

    def nudge(self) -> None:
        """Ask for the assignment now."""
        self._nudged.set()

    def warn(self) -> None:
        """Hear that the cloud takes this machine away."""
        self._warned.set()
        self._nudged.set()

    async def live(self) -> None:
        """Say and do all of it; ends with the job, and keeps beating until it is cancelled."""
        script, clock = self._stage.script.of(self.machine.rank), self._stage.clock
        await clock.sleep(script.hello.draw(self._stage.randomness))
        assignment = await self._assigned()
        await self._report("hello", self._hello(assignment))
        self.greeted_at = clock.monotonic()
        assignment = await self._until_complete(assignment)
        if assignment.job.command:
            await self._run(assignment, script)
        while True:
            await clock.sleep(_BEAT_EVERY)
            await self._report("heartbeat", self._heartbeat(assignment))

    async def execute(self, tell: Tell) -> None:
        """Answer an exec request as if the command had said that it is hollow."""
        output = reports.ExecOutput(
            generation=self.machine.generation,
            at=self._stage.clock.now(),
            rank=self.machine.rank,
            data=b"hollow\n",
            exit_code=0,
        )
        await self._report(f"exec.{tell.exec_id}", output)

    async def _until_complete(self, assignment: Assignment) -> Assignment:
        revision = -1
        while True:
            if assignment.peers_revision != revision:
                peers = await ask_pages(self._peers)
                revision = peers.revision
                if peers.complete and not self.complete.is_set():
                    self.size = peers.size
                    self.completed_at = self._stage.clock.monotonic()
                    self.complete.set()
            may_start = self.complete.is_set() and assignment.may_start
            if may_start or self._warned.is_set():
                return assignment
            await wait_event(self._nudged, _ASK_EVERY)
            self._nudged.clear()
            assignment = await self._assigned()

    async def _run(self, assignment: Assignment, script: Script) -> None:
        generation, clock = assignment.generation, self._stage.clock
        lasts = script.job.draw(self._stage.randomness)
        if not self._warned.is_set():
            started = reports.JobStarted(generation=generation, at=clock.now())
            await self._report("job.started", started)
        if await wait_event(self._warned, lasts):
            await self._leave(assignment, script)
            return
        lines = [f"hollow rank {assignment.rank} line {n}\n" for n in range(script.lines)]
        if lines:
            await self._print(assignment, lines)
        exited = reports.JobExited(
            generation=generation,
            at=clock.now(),
            exit_code=script.exit_code,
            tail="".join(lines[-10:]),
        )
        await self._report("job.exited", exited)
        if assignment.job.on_complete is not OnComplete.NONE:
            await self._stage.power_off(self.machine.instance_id)

    async def _leave(self, assignment: Assignment, script: Script) -> None:
        """Play the checkpoint and the end of the job; the cloud takes the machine."""
        generation, clock = assignment.generation, self._stage.clock
        if assignment.job.checkpoint.script:
            begun = reports.CheckpointBegun(generation=generation, at=clock.now(), sha256="")
            await self._report("checkpoint.started", begun)
            takes = script.save.draw(self._stage.randomness)
            await clock.sleep(takes)
            done = reports.CheckpointDone(
                generation=generation, at=clock.now(), seconds=takes.total_seconds()
            )
            await self._report("checkpoint.finished", done)
        exited = reports.JobExited(
            generation=generation,
            at=clock.now(),
            exit_code=128 + signal.SIGTERM,
            interrupted=True,
        )
        await self._report("job.exited", exited)

    async def _print(self, assignment: Assignment, lines: list[str]) -> None:
        block = Block(
            rank=assignment.rank,
            generation=assignment.generation,
            first_line=0,
            lines=len(lines),
            data="".join(lines).encode(),
        )
        subject = logs.log_subject(assignment.array_id, block.rank)
        headers = {
            MESSAGE_ID: f"{assignment.array_id}/{block.rank}/{block.generation}/0",
            logs.GENERATION: str(block.generation),
            logs.FIRST_LINE: "0",
            logs.LINES: str(block.lines),
            logs.INSTANCE: self.machine.instance_id,
        }
        await self._store(subject, block.data, headers)

    async def _assigned(self) -> Assignment:
        return await self._ask(API_ASSIGNMENT, Assignment)

    async def _peers(self, page: int) -> Peers:
        return await self._ask(API_PEERS, Peers, page=page)

    async def _ask(self, verb: str, kind: type[T], *, page: int = 0) -> T:
        """Ask the launcher until it answers."""
        machine = self.machine
        subject = f"spawn.api.launcher.{verb}.{machine.array_id}.{machine.instance_id}"
        while True:
            try:
                async with self._stage.turns:
                    ask = Ask(generation=machine.generation, page=page)
                    return await request(self._stage.bus, subject, ask, kind)
            except Outcome as error:
                _log.info("asked in vain", subject=subject, reason=error.message)
            await wait_event(self._nudged, _RETRY)
            self._nudged.clear()

    async def _report(self, kind: str, report: reports.Report) -> None:
        machine = self.machine
        subject = reports.report_subject(machine.array_id, machine.instance_id, kind)
        number, self._number = self._number, self._number + 1
        message_id = f"{machine.instance_id}/{kind}/{self._boot}/{number}"
        await self._store(subject, codec.encode(report), {MESSAGE_ID: message_id})

    async def _store(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        async with self._stage.turns:
            await self._stage.bus.js.publish(subject, data, headers=headers, patience=None)

    def _hello(self, assignment: Assignment) -> reports.Hello:
        return reports.Hello(
            generation=assignment.generation,
            at=self._stage.clock.now(),
            boot_id=self._boot,
            agent_version=_VERSION,
            facts=Facts(hostname=f"ip-{self.machine.address.replace('.', '-')}"),
        )

    def _heartbeat(self, assignment: Assignment) -> reports.Heartbeat:
        return reports.Heartbeat(
            generation=assignment.generation,
            at=self._stage.clock.now(),
            window_seconds=_BEAT_EVERY.total_seconds(),
            armed_lease=assignment.lease.until,
        )


def read_tell(data: bytes) -> Tell | None:
    """Return a nudge, None when it can't be read."""
    try:
        return msgspec.json.decode(data, type=Tell)
    except msgspec.DecodeError:
        return None
