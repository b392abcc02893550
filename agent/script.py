"""The checkpoint script: fetched at boot, so that nobody learns at a notice that it is missing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import timedelta
from typing import Any

from agent import places
from agent.accounts import NoAccount, give, login_account
from agent.clock import write_instant
from agent.console import say
from agent.fetching import Buckets, Unfetched, fetch
from agent.orders import Assignment
from agent.parts import Parts

_PAUSES = tuple(timedelta(seconds=each) for each in (1, 2, 4, 8, 15))
"""Between first attempts: so long a new role may be unknown to S3."""

_AGAIN = timedelta(minutes=1)
_AT_LAST = timedelta(seconds=5)
"""How long a last attempt may take, once there is a notice."""


class Script:
    """Has the script as soon as it can be had, and says so when it can't."""

    def __init__(self, parts: Parts, buckets: Buckets) -> None:
        self._parts = parts
        self._buckets = buckets
        self._having = asyncio.Lock()

    async def run(self) -> None:
        """Fetch it, for as long as it takes; the job waits for it only when that was asked for."""
        assignment = await self._parts.orders.until(lambda _: True)
        plan = assignment.job.checkpoint
        if not plan.strict:
            self._parts.may_begin.set()
        try:
            await self._first(assignment)
        except Unfetched as error:
            await self._warn(assignment, str(error))
            if not plan.strict:
                await self._at_some_time(assignment)
            return
        self._parts.may_begin.set()

    async def digest(self, assignment: Assignment) -> str:
        """Return the SHA-256 of the script, once it is there; raises `Unfetched`."""
        if not assignment.job.checkpoint.script:
            raise Unfetched("there is no checkpoint script", is_final=True)
        try:
            await asyncio.wait_for(self._have(assignment), _AT_LAST.total_seconds())
        except asyncio.TimeoutError as error:
            raise Unfetched("the checkpoint script can't be had in time") from error
        content = await asyncio.to_thread(self._parts.machine.places.script.read_bytes)
        return hashlib.sha256(content).hexdigest()

    async def _first(self, assignment: Assignment) -> None:
        for pause in _PAUSES:
            try:
                await self._have(assignment)
            except Unfetched as error:
                if error.is_final:
                    raise
                say(f"checkpoint script: {error}")
            else:
                return
            await self._parts.machine.clock.sleep(pause)
        await self._have(assignment)

    async def _at_some_time(self, assignment: Assignment) -> None:
        while True:
            await self._parts.machine.clock.sleep(_AGAIN)
            try:
                await self._have(assignment)
            except Unfetched as error:
                say(f"checkpoint script: {error}")
            else:
                say("checkpoint script: it is there now")
                return

    async def _have(self, assignment: Assignment) -> None:
        script = assignment.job.checkpoint.script
        async with self._having:
            if not script or await asyncio.to_thread(self._parts.machine.places.script.exists):
                return
            content = script.encode()
            if script.startswith(("s3://", "https://")):
                content = await fetch(script, self._buckets)
            try:
                await asyncio.to_thread(self._keep, assignment, content)
            except (OSError, NoAccount) as error:
                raise Unfetched(f"the checkpoint script can't be kept: {error}") from error

    def _keep(self, assignment: Assignment, content: bytes) -> None:
        where, root = self._parts.machine.places, self._parts.machine.config.root
        login = login_account(root, assignment.job.login_user)
        give(where.checkpoint, login)
        draft = where.script.with_name("checkpoint.fetched")
        places.write(draft, content, places.PRIVATE_PROGRAM)
        if login.uid != os.geteuid():
            os.chown(draft, login.uid, login.gid)
        draft.replace(where.script)

    async def _warn(self, assignment: Assignment, reason: str) -> None:
        say(f"checkpoint script: FAILED: {reason}")
        body: dict[str, Any] = {
            "generation": assignment.generation,
            "at": write_instant(self._parts.machine.clock.now()),
            "reason": reason,
        }
        await self._parts.outbox.put("checkpoint.warned", body, key=f"{assignment.generation}")
        if assignment.job.checkpoint.strict:
            body["step"] = "checkpoint script"
            await self._parts.outbox.put("boot.failed", body, key=f"script/{body['generation']}")
