"""The life of the job as the agent sees it: begin it once, follow it, tell of it, end with it."""

from __future__ import annotations

import asyncio
import signal
from datetime import datetime, timedelta, timezone
from typing import Any

from agent import places
from agent.accounts import NoAccount, give, login_account, make_home, own_account
from agent.clock import write_instant
from agent.console import say
from agent.journal import JobFolder
from agent.link import Link
from agent.orders import Assignment
from agent.parts import Parts
from agent.plan import Users, make_plan
from agent.shipper import Shipper, Source
from agent.spool import SpoolReader
from agent.tasks import Tasks, unless
from agent.variables import Member, Unusable

_LOOK_EVERY = timedelta(milliseconds=200)
_TAIL_BYTES = 4096
_TAIL_LINES = 20
LAST_WORDS = timedelta(minutes=10)
"""How long a machine whose job is done stays while nothing of what it has to say is taken: what
was not taken goes with it, and a bus that was away takes a while. The lease may end it before."""

_PARTING = timedelta(seconds=30)
"""How long its report has when its output was not taken."""

_AT_THE_DOOR = timedelta(seconds=1)
"""How long a machine that goes down stays while nothing is taken; the laptop cloud gives it 3."""

_AT_THE_DOOR_AT_MOST = timedelta(seconds=2)


class JobLife:
    """Begins the job at the barrier and reports what its journal says."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        where = parts.machine.places
        self.folder = JobFolder(where.job, where.programs / "keeper.pyz")
        self._reported_file = where.job / "reported"
        self._reported = 0
        self._shipping: tuple[Shipper, Link] | None = None
        self._ending = asyncio.Event()
        if self.folder.is_stopped and not self.folder.is_prepared:
            self._ending.set()

    async def run(self, link: Link, tasks: Tasks) -> None:
        """Carry the job through; return when there is nothing left to do for it."""
        assignment = await self._parts.orders.until(lambda _: True)
        if not (assignment.job.command or assignment.job.user_data):
            return
        due = await unless(self._ending, self._until_due())
        if due is None:
            await self._never_begin(assignment)
            return
        if not await self._begin(due):
            return
        shipper = Shipper(
            self._parts.machine.places,
            Source(self._parts.machine.subjects, due.rank, due.generation),
            self._parts.machine.clock,
        )
        self._shipping = shipper, link
        tasks.start(shipper.run(link), "shipper")
        self._reported = places.read_json(self._reported_file) or 0
        await self._follow(due, shipper)

    async def _until_due(self) -> Assignment:
        """Wait until the job may begin; what has begun goes on, though a peer be missing."""
        assignment = await self._parts.orders.until(lambda each: each.may_start)
        if self.folder.is_prepared:
            return assignment
        await self._parts.rendezvous.complete.wait()
        await self._parts.may_begin.wait()
        return await self._parts.orders.until(lambda each: each.may_start)

    async def end(self, grace: timedelta) -> None:
        """Have the job end: begin nothing more, and kill what has not ended after `grace`."""
        clock = self._parts.machine.clock
        if await asyncio.to_thread(self.folder.result) is not None:
            return
        await asyncio.to_thread(self.folder.stop)
        if not self.folder.is_prepared:
            self._ending.set()
            return
        until, told = clock.monotonic() + grace.total_seconds(), None
        while await asyncio.to_thread(self.folder.result) is None:
            group = self.folder.group()
            if clock.monotonic() >= until:
                await asyncio.to_thread(self.folder.signal, signal.SIGKILL)
            elif group != told:
                await asyncio.to_thread(self.folder.signal, signal.SIGTERM)
                told = group
            await clock.sleep(_LOOK_EVERY)

    async def _never_begin(self, assignment: Assignment) -> None:
        await self._parts.hold.until_free()
        body = {
            "exit_code": 128 + signal.SIGTERM,
            "restarts": 0,
            "reason": "not begun: the machine is going away",
            "interrupted": True,
        }
        await self._report("job.exited", assignment, body, key="job")
        await self._until_told(LAST_WORDS)
        await self._complete(assignment.job.on_complete)

    async def part(self) -> None:
        """Let what the job has printed be taken: a machine that goes down takes the rest along."""
        if self._shipping is None:
            return
        shipper, link = self._shipping
        if not link.open.is_set():
            return
        parting = shipper.part(patience=_AT_THE_DOOR)
        try:
            await asyncio.wait_for(parting, _AT_THE_DOOR_AT_MOST.total_seconds())
        except asyncio.TimeoutError:
            say("output was left behind: it had no time to be taken")

    async def _begin(self, assignment: Assignment) -> bool:
        try:
            await asyncio.to_thread(self._prepare, assignment)
        except (NoAccount, Unusable, OSError) as error:
            body = {"step": "job", "reason": str(error)}
            await self._report("boot.failed", assignment, body, key="job")
            return False
        return True

    def _prepare(self, assignment: Assignment) -> None:
        machine, peers = self._parts.machine, self._parts.rendezvous.peers
        root = machine.config.root
        self.folder.install()
        if self.folder.is_prepared:
            return
        login = login_account(root, assignment.job.login_user)
        users = Users(login=login, own=own_account(root))
        for account in (users.login, users.own):
            make_home(account)
        give(machine.places.checkpoint, login)
        member = Member(assignment, peers.peers if peers else (), machine.places)
        plan = make_plan(member, users, machine.config.inherited)
        self.folder.prepare(plan, (login.uid, login.gid))

    async def _follow(self, assignment: Assignment, shipper: Shipper) -> None:
        boot = self._parts.machine.boot_id
        before = await asyncio.to_thread(self.folder.seen_before, boot)
        while True:
            events = await asyncio.to_thread(self.folder.events)
            await self._tell_starts(assignment, events)
            if events and events[-1]["event"] == "done":
                await self._finish(assignment, shipper, events)
                if any(event["event"] == "started" for event in events[before:]):
                    await self._complete(assignment.job.on_complete)
                else:
                    await self._complete_unless_it_stays()
                return
            await asyncio.to_thread(self._see_kept)
            await self._parts.machine.clock.sleep(_LOOK_EVERY)

    def _see_kept(self) -> None:
        # In this order: a keeper's last act is to write down that the job is done.
        if not self.folder.is_kept() and self.folder.result() is None:
            self.folder.keep(dict(self._parts.machine.config.inherited))

    async def _tell_starts(self, assignment: Assignment, events: list[dict[str, Any]]) -> None:
        last = "command" if assignment.job.command else "script"
        for event in events[self._reported :]:
            if event["event"] == "started" and event["stage"] == last:
                body = {"at": _at(event), "restart": event["attempt"]}
                await self._report("job.started", assignment, body, key=f"job/{event['attempt']}")
        # The end is noted once it is told.
        is_done = bool(events) and events[-1]["event"] == "done"
        await self._note_reported(max(len(events) - is_done, self._reported))

    async def _note_reported(self, count: int) -> None:
        if count != self._reported:
            await asyncio.to_thread(places.write_json, self._reported_file, count)
            self._reported = count

    async def _finish(
        self, assignment: Assignment, shipper: Shipper, events: list[dict[str, Any]]
    ) -> None:
        result = events[-1]
        shipper.end_at(result["end"])
        is_shipped = await shipper.until_shipped(result["end"], patience=LAST_WORDS)
        if not is_shipped:
            say(f"FAILED: the output was not taken, and nothing of it for {LAST_WORDS}")
        # Whoever hears of the job's end may begin its successor, with what was saved.
        await self._parts.hold.until_free()
        if self._reported < len(events):
            told = ("exit_code", "restarts", "reason", "interrupted")
            tail = await asyncio.to_thread(self._tail, result["end"])
            body = {**{name: result[name] for name in told}, "at": _at(result), "tail": tail}
            await self._report("job.exited", assignment, body, key="job")
            await self._note_reported(len(events))
        await self._until_told(LAST_WORDS if is_shipped else _PARTING)

    def _tail(self, end: int) -> str:
        spool = SpoolReader(self._parts.machine.places.spool)
        text = spool.tail(end, _TAIL_BYTES).decode(errors="replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    async def _until_told(self, patience: timedelta) -> None:
        told = self._parts.outbox.until_sent("job.exited")
        try:
            await asyncio.wait_for(told, patience.total_seconds())
        except asyncio.TimeoutError:
            say(f"FAILED: the job's end was not taken within {patience}")

    async def _complete_unless_it_stays(self) -> None:
        """End with a job of before this boot, but not after a stop: somebody wants the machine."""
        orders = self._parts.orders
        # What was kept over the boot can't say so.
        await orders.fresh.wait()
        assignment = await orders.until(lambda _: True)
        if assignment.stays:
            say("the job has ended before this start: staying until the lease ends")
            return
        await self._complete(assignment.job.on_complete)

    async def _complete(self, on_complete: str) -> None:
        if on_complete not in {"terminate", "stop"}:
            return
        # Whether a machine that powers off is terminated or stopped was settled at its launch.
        say("the job is done: powering off")
        child = await asyncio.create_subprocess_exec("shutdown", "-P", "now")
        if await child.wait():
            say("FAILED: shutdown; the lease ends this machine")

    async def _report(
        self, kind: str, assignment: Assignment, body: dict[str, Any], *, key: str
    ) -> None:
        now = write_instant(self._parts.machine.clock.now())
        whole = {"at": now, "generation": assignment.generation, **body}
        await self._parts.outbox.put(kind, whole, key=f"{key}/{assignment.generation}")


def _at(event: dict[str, Any]) -> str:
    return write_instant(datetime.fromtimestamp(event["time"], timezone.utc))
