"""Running a command beside the job because somebody asked, and saying what it prints."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from agent.accounts import Account, NoAccount, login_account, make_home
from agent.clock import write_instant
from agent.orders import Assignment, Tell
from agent.outbox import Outbox
from agent.processes import as_user, kill_group
from agent.rendezvous import Rendezvous
from agent.state import Machine, Orders
from agent.tasks import Tasks
from agent.variables import Member, Unusable, job_variables

MOST_OUTPUT = 4 * 1024 * 1024
"""Bytes of each stream that are passed on; a note tells when there were more."""

_CHUNK = 48 * 1024
_REMEMBERED = 100
_NOT_FOUND, _NOT_STARTED = 127, 126
_TIMED_OUT = 124


class Execs:
    """Runs each request once, all of them beside each other."""

    def __init__(
        self, machine: Machine, orders: Orders, rendezvous: Rendezvous, outbox: Outbox
    ) -> None:
        self._machine = machine
        self._orders = orders
        self._rendezvous = rendezvous
        self._outbox = outbox
        self._known: list[str] = []
        self.sessions: set[int] = set()
        """Those of the requests that run."""

    def begin(self, tell: Tell, tasks: Tasks) -> None:
        """Run a request, unless it was already begun."""
        if not tell.argv or not tell.exec_id.isalnum() or tell.exec_id in self._known:
            return
        self._known = [*self._known[-_REMEMBERED:], tell.exec_id]
        tasks.start(self._run(tell), f"exec {tell.exec_id}")

    async def _run(self, tell: Tell) -> None:
        assignment = await self._orders.until(lambda _: True)
        said = _Said(self._outbox, self._machine, assignment, tell.exec_id)
        try:
            child = await self._start(tell, assignment)
        except (OSError, ValueError, NoAccount, Unusable) as error:
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_STARTED
            await said.end(code, f"{tell.argv[0]}: {error}\n")
            return
        self.sessions.add(child.pid)
        try:
            code, note = await self._until_ended(child, said, tell.timeout_seconds)
        finally:
            self.sessions.discard(child.pid)
            kill_group(child.pid)
        await said.end(code, note)

    async def _start(self, tell: Tell, assignment: Assignment) -> asyncio.subprocess.Process:
        machine = self._machine
        account = await asyncio.to_thread(self._settle_in, assignment.job.login_user)
        peers = self._rendezvous.peers
        member = Member(assignment, peers.peers if peers else (), machine.places)
        return await asyncio.create_subprocess_exec(
            *tell.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=account.home,
            env=job_variables(member, account, machine.config.inherited),
            start_new_session=True,
            **as_user(account.uid, account.gid, account.groups),
        )

    def _settle_in(self, login_user: str) -> Account:
        """Return whose the command is, with a home; who looks up groups may ask another host."""
        account = login_account(self._machine.config.root, login_user)
        make_home(account)
        return account

    async def _until_ended(
        self, child: asyncio.subprocess.Process, said: _Said, seconds: int
    ) -> tuple[int, str]:
        carrying = asyncio.gather(
            said.carry("stdout", child.stdout),
            said.carry("stderr", child.stderr),
            child.wait(),
        )
        try:
            await asyncio.wait_for(carrying, max(seconds, 1))
        except asyncio.TimeoutError:
            return _TIMED_OUT, f"ended after {seconds} s\n"
        code = child.returncode or 0
        return (code if code >= 0 else 128 - code), ""


class _Said:
    """The reports of one request."""

    def __init__(
        self, outbox: Outbox, machine: Machine, assignment: Assignment, exec_id: str
    ) -> None:
        self._outbox = outbox
        self._machine = machine
        self._assignment = assignment
        self._kind = f"exec.{exec_id}"

    async def carry(self, stream: str, source: asyncio.StreamReader | None) -> None:
        left = MOST_OUTPUT
        while source is not None:
            data = await source.read(_CHUNK)
            if not data:
                return
            if left > 0:
                await self._put(stream, data[:left], None)
                left -= len(data)
                if left <= 0:
                    note = f"\n[spawn: what {stream} says after {MOST_OUTPUT} bytes is left out]\n"
                    await self._put("stderr", note.encode(), None)

    async def end(self, code: int, note: str) -> None:
        await self._put("stderr", note.encode(), code)

    async def _put(self, stream: str, data: bytes, code: int | None) -> None:
        body: dict[str, Any] = {
            "generation": self._assignment.generation,
            "at": write_instant(self._machine.clock.now()),
            "rank": self._assignment.rank,
            "stream": stream,
            "data": base64.b64encode(data).decode(),
        }
        if code is not None:
            body["exit_code"] = code
        await self._outbox.put(self._kind, body)
