"""One machine as the sandbox sees it: booted, booted again, ended."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from sandbox.machines import leftovers
from sandbox.machines.facts import Facts
from sandbox.machines.folder import BOOTED, ENDED, POWERED_OFF, REBOOTING, Folder, Plan
from spawn.clock import Clock, wait_event
from spawn.telemetry.log import get_logger

Ending = Literal["told", "powered-off"]
_PATIENCE = timedelta(seconds=10)
"""What an init is given beyond its grace before it is killed."""
_LOG_TAIL = 2000

_log = get_logger(__name__)


class Bootable(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine boots from, and when."""

    facts: Facts
    folder: Folder
    host: Mapping[str, str]
    """The environment of the init itself."""
    delay: timedelta
    user_data_fails: bool
    hosts: Path
    """What it is to see as `/etc/hosts`."""


class Machine:
    """A machine from its instance's `running` to its last process.

    `turns` are for those that boot at once: a hundred at a time would hold up the control plane.
    """

    def __init__(
        self, given: Bootable, clock: Clock, *, boots: int, turns: asyncio.Semaphore
    ) -> None:
        self.given = given
        self._turns = turns
        self.boots = boots
        self._clock = clock
        self._unwanted = asyncio.Event()
        self._grace = timedelta(0)
        self._process: asyncio.subprocess.Process | None = None

    def end(self, *, grace: timedelta) -> None:
        """Let it end; what has not ended by itself after `grace` is killed."""
        self._grace = grace
        self._unwanted.set()
        self._order("end", grace)

    def reboot(self, *, grace: timedelta) -> None:
        """Let it boot again."""
        self._order("reboot", grace)

    async def live(self, environment: Mapping[str, str]) -> Ending:
        """See it through all its boots; nothing of it is left when this returns."""
        await wait_event(self._unwanted, self.given.delay)
        while not self._unwanted.is_set():
            code = await self._boot(environment)
            if code == POWERED_OFF:
                return "powered-off"
            if code not in {ENDED, REBOOTING}:
                await self._clean(code)
                return await self.break_down()
        return "told"

    async def break_down(self) -> Ending:
        """Say how a machine ends that could not go on.

        One whose folder was deleted under it is hollow from then on: its instance is as good as
        before, and whoever deleted the folder did not ask for its end. What still ran in it may
        have made it anew, but not the plan.
        """
        if self.given.folder.plan.exists():
            return "powered-off"
        await self._unwanted.wait()
        return "told"

    async def _boot(self, environment: Mapping[str, str]) -> int:
        self.boots += 1
        await asyncio.to_thread(self._write_plan, environment)
        await self._turns.acquire()
        if self._unwanted.is_set():
            self._turns.release()
            return ENDED
        try:
            booted, process = await self._start(environment)
        except BaseException:
            self._turns.release()
            raise
        booted.add_done_callback(lambda _: self._turns.release())
        return await self._see_through(process)

    async def _start(
        self, environment: Mapping[str, str]
    ) -> tuple[asyncio.Future[None], asyncio.subprocess.Process]:
        """Start the init; the future is done once user-data has run, which its pipe's end says."""
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        booted: asyncio.Future[None] = loop.create_future()

        def note() -> None:
            loop.remove_reader(read_end)
            os.close(read_end)
            if not booted.done():
                booted.set_result(None)

        loop.add_reader(read_end, note)
        own = {"SPAWN_ROOT": environment["SPAWN_ROOT"], BOOTED: str(write_end)}
        try:
            with self.given.folder.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "sandbox.machines.init",
                    str(self.given.folder.path),
                    env={**self.given.host, **own},
                    pass_fds=(write_end,),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        finally:
            os.close(write_end)
        return booted, process

    async def _see_through(self, process: asyncio.subprocess.Process) -> int:
        self._process = process
        if self._unwanted.is_set():
            self._order("end", self._grace)
        try:
            return await self._until_it_ends(process)
        finally:
            self._process = None
            if process.stdin is not None:
                # An init that we can't wait for any more ends with its pipe.
                process.stdin.close()

    async def _until_it_ends(self, process: asyncio.subprocess.Process) -> int:
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(process.wait())
            told = group.create_task(self._unwanted.wait())
            await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
            limit = self._grace + _PATIENCE
            done, _ = await asyncio.wait({ended}, timeout=limit.total_seconds())
            if not done and self._unwanted.is_set():
                process.kill()
            code = await ended
            told.cancel()
        return code

    async def _clean(self, code: int) -> None:
        folder = self.given.folder
        left = await asyncio.to_thread(leftovers.kill_below, folder.path)
        said = folder.log.read_text(errors="replace")[-_LOG_TAIL:] if folder.log.exists() else ""
        _log.error(
            "a machine's init broke", folder=str(folder.path), code=code, left=left, said=said
        )

    def _order(self, verb: str, grace: timedelta) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with suppress(ConnectionError):
            self._process.stdin.write(f"{verb} {grace.total_seconds()}\n".encode())

    def _write_plan(self, environment: Mapping[str, str]) -> None:
        folder, facts = self.given.folder, self.given.facts
        folder.path.mkdir(parents=True, exist_ok=True)
        plan = Plan(
            instance_id=facts.instance_id,
            boot=self.boots,
            environment=dict(environment),
            address=facts.network.private_ip,
            hosts=str(self.given.hosts),
            user_data=facts.user_data,
            fails=self.given.user_data_fails,
        )
        descriptor = os.open(folder.plan, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(plan))
