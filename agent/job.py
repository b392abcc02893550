"""The life of the job as the agent sees it: begin it once, follow it, tell of it, end with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Optional

from agent.accounts import NoAccount, login_account, make_home, own_account
from agent.clock import write_instant
from agent.console import say
from agent.journal import JobFolder, install_keeper
from agent.link import Link
from agent.orders import Assignment
from agent.outbox import Outbox
from agent.plan import Users, make_plan
from agent.rendezvous import Rendezvous
from agent.shipper import Shipper, Source
from agent.spool import SpoolReader
from agent.state import Machine, Orders
from agent.tasks import Tasks
from agent.variables import Member, Unusable

_LOOK_EVERY = timedelta(milliseconds=200)
_TAIL_BYTES = 4096
_TAIL_LINES = 20
LAST_WORDS = timedelta(seconds=30)
"""How long a machine whose job is done waits for its output, and then its report, to be taken."""


@dataclass(frozen=True)
class Parts:
    """What the job's life is told to."""

    machine: Machine
    orders: Orders
    rendezvous: Rendezvous
    outbox: Outbox


class JobLife:
    """Begins the job at the barrier and reports what its journal says."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        where = parts.machine.places
        self.folder = JobFolder(where.job, where.programs / "keeper.py")
        self._reported = 0

    async def run(self, link: Link, tasks: Tasks) -> None:
        """Carry the job through; return when there is nothing left to do for it."""
        assignment = await self._parts.orders.until(lambda each: each.may_start)
        if not (assignment.job.command or assignment.job.user_data):
            return
        await self._parts.rendezvous.complete.wait()
        assignment = await self._parts.orders.until(lambda each: each.may_start)
        if not await self._begin(assignment):
            return
        shipper = Shipper(
            self._parts.machine.places,
            Source(self._parts.machine.subjects, assignment.rank, assignment.generation),
            self._parts.machine.clock,
        )
        tasks.start(shipper.run(link), "shipper")
        await self._follow(assignment, shipper)

    async def _begin(self, assignment: Assignment) -> bool:
        machine, folder = self._parts.machine, self.folder
        try:
            await asyncio.to_thread(self._prepare, assignment)
        except (NoAccount, Unusable, OSError) as error:
            body = {"step": "job", "reason": str(error)}
            await self._report("boot.failed", assignment, body, key="job")
            return False
        if folder.result() is None and not folder.is_kept():
            await asyncio.to_thread(folder.keep, dict(machine.config.inherited))
        return True

    def _prepare(self, assignment: Assignment) -> None:
        machine, peers = self._parts.machine, self._parts.rendezvous.peers
        root = machine.config.root
        install_keeper(self.folder.program)
        if self.folder.is_prepared:
            return
        login = login_account(root, assignment.job.login_user)
        users = Users(login=login, own=own_account(root))
        for account in (users.login, users.own):
            make_home(account)
        member = Member(assignment, peers.peers if peers else (), machine.places)
        plan = make_plan(member, users, machine.config.inherited)
        self.folder.prepare(plan, (login.uid, login.gid))

    async def _follow(self, assignment: Assignment, shipper: Shipper) -> None:
        while True:
            events = await asyncio.to_thread(self.folder.events)
            await self._tell_starts(assignment, events)
            result = events[-1] if events and events[-1]["event"] == "done" else None
            if result is not None:
                await self._finish(assignment, shipper, result)
                return
            if not self.folder.is_kept() and self.folder.result() is None:
                say("the keeper of the job has gone: beginning another")
                await asyncio.to_thread(self.folder.keep, dict(self._parts.machine.config.inherited))
            await self._parts.machine.clock.sleep(_LOOK_EVERY)

    async def _tell_starts(self, assignment: Assignment, events: list[dict[str, Any]]) -> None:
        last = assignment.job.command and "command" or "script"
        for number, event in enumerate(events):
            if number < self._reported or event["event"] != "started" or event["stage"] != last:
                continue
            body = {"at": event["at"], "restart": event["attempt"]}
            await self._report("job.started", assignment, body, key=f"job/{event['attempt']}")
        self._reported = len(events)

    async def _finish(
        self, assignment: Assignment, shipper: Shipper, result: dict[str, Any]
    ) -> None:
        shipper.end_at(result["end"])
        await self._at_most(shipper.until_shipped(result["end"]), "the output")
        tail = await asyncio.to_thread(self._tail, result["end"])
        body = {
            "at": result["at"],
            "exit_code": result["exit_code"],
            "restarts": result["restarts"],
            "reason": result["reason"],
            "tail": tail,
        }
        path = await self._report("job.exited", assignment, body, key="job")
        if path is not None:
            await self._at_most(self._parts.outbox.until_sent(path), "the job's end")
        await self._complete(assignment.job.on_complete)

    def _tail(self, end: int) -> str:
        spool = SpoolReader(self._parts.machine.places.spool)
        text = spool.tail(end, _TAIL_BYTES).decode(errors="replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    async def _at_most(self, waiting: Any, what: str) -> None:
        try:
            await asyncio.wait_for(waiting, LAST_WORDS.total_seconds())
        except asyncio.TimeoutError:
            say(f"{what} has not been taken within {LAST_WORDS.total_seconds():.0f} s")

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
    ) -> Optional[Any]:
        """Keep a report; None when it was already acknowledged, in an earlier life."""
        now = write_instant(self._parts.machine.clock.now())
        whole = {"at": now, "generation": assignment.generation, **body}
        return await self._parts.outbox.put(kind, whole, key=f"{key}/{assignment.generation}")
