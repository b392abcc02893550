"""One checkpoint: prepared as a keeper's plan, followed by its journal, reported."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Optional

from agent import places
from agent.accounts import NoAccount, give, login_account, make_home
from agent.clock import read_instant, write_instant
from agent.console import say
from agent.fetching import Unfetched
from agent.journal import JobFolder
from agent.orders import Assignment
from agent.parts import Parts
from agent.plan import Plan, stage_of
from agent.script import Script
from agent.spool import SpoolReader
from agent.variables import Member, Unusable, job_variables

SPOOL_BYTES = 4 * 1024 * 1024
"""Bytes of a script's output that are kept on the machine."""

CUT_OFF = "cut off: it took longer than it may"

_LOOK_EVERY = timedelta(milliseconds=100)
_LEAST = timedelta(seconds=1)
_MOST_GRACE = 5.0
_TAIL_BYTES, _TAIL_LINES = 4096, 20

Limit = Callable[[], Optional[datetime]]


@dataclass(frozen=True)
class Occasion:
    """What a checkpoint is made for; `name` tells it from others, and each is made once.

    `until` is when the script has to have ended, RFC 3339.
    """

    name: str
    cause: str
    until: str
    action: str = "none"
    dies_at: str = ""
    request_id: str = ""


class Checkpoint:
    """The checkpoint of one occasion, wherever an agent before this one has left it."""

    def __init__(self, parts: Parts, assignment: Assignment, occasion: Occasion) -> None:
        self._parts = parts
        self._assignment = assignment
        self._occasion = occasion
        where = parts.machine.places
        self._folder = JobFolder(where.checkpoints / occasion.name, where.programs / "keeper.pyz")

    @property
    def _reported(self) -> Path:
        return self._folder.path / "reported"

    async def make(self, script: Script, limit: Limit) -> bool:
        """Make it; return whether it is good. `limit` says when it has to end earlier."""
        if not self._reported.exists():
            try:
                if not self._folder.is_prepared:
                    sha256 = await script.digest(self._assignment)
                    await asyncio.to_thread(self._prepare, sha256)
            except (Unfetched, NoAccount, Unusable, OSError) as error:
                await self._fail(str(error))
            else:
                await self._follow(limit)
            await asyncio.to_thread(self._note_reported)
        result = await asyncio.to_thread(self._folder.result)
        return result is not None and result["exit_code"] == 0

    def _prepare(self, sha256: str) -> None:
        machine, occasion, assignment = self._parts.machine, self._occasion, self._assignment
        now = machine.clock.now()
        budget = read_instant(occasion.until) - now
        if budget < _LEAST:
            raise Unfetched(
                f"there was no time left for it: the machine dies at {occasion.dies_at}"
            )
        login = login_account(machine.config.root, assignment.job.login_user)
        make_home(login)
        give(machine.places.checkpoint, login)
        peers = self._parts.rendezvous.peers
        member = Member(assignment, peers.peers if peers else (), machine.places)
        seconds = budget.total_seconds()
        grace = min(_MOST_GRACE, seconds / 5)
        stage = stage_of("checkpoint", _argv(machine.places.script), login)
        stage.update(
            env={
                **job_variables(member, login, machine.config.inherited),
                "INTERRUPTION_ACTION": occasion.action,
                "INTERRUPTION_TIME": occasion.dies_at,
                "SPAWN_DEADLINE_SECONDS": str(int(seconds)),
            },
            max_runtime=seconds - grace,
            kill_after=grace,
            over_time=CUT_OFF,
        )
        self._folder.install()
        self._folder.path.mkdir(parents=True, exist_ok=True)
        places.write_json(self._folder.path / "occasion.json", asdict(occasion))
        places.write_json(self._folder.path / "sha256", sha256)
        keeper = {"spool_bytes": SPOOL_BYTES, "stages": [stage]}
        self._folder.prepare(Plan(files={}, keeper=keeper), (login.uid, login.gid))

    async def _follow(self, limit: Limit) -> None:
        is_told, clock = False, self._parts.machine.clock
        while True:
            events = await asyncio.to_thread(self._folder.events)
            if events and not is_told:
                is_told = True
                await self._begun(events[0])
            if events and events[-1]["event"] == "done":
                await self._done(events)
                return
            earlier = limit()
            if earlier is not None and clock.now() >= earlier:
                await asyncio.to_thread(self._folder.signal, signal.SIGKILL)
            await asyncio.to_thread(self._see_kept)
            await clock.sleep(_LOOK_EVERY)

    def _see_kept(self) -> None:
        # In this order: a keeper's last act is to write down that all is done.
        if not self._folder.is_kept() and self._folder.result() is None:
            self._folder.keep(dict(self._parts.machine.config.inherited))

    async def _begun(self, event: dict[str, Any]) -> None:
        sha256 = await asyncio.to_thread(places.read_json, self._folder.path / "sha256")
        body = {"sha256": sha256, "until": self._occasion.until}
        await self._report("checkpoint.started", body, at=_instant(event))

    async def _done(self, events: list[dict[str, Any]]) -> None:
        result = events[-1]
        spool = SpoolReader(self._folder.path / "spool")
        data = await asyncio.to_thread(spool.tail, result["end"], _TAIL_BYTES)
        tail = "\n".join(data.decode(errors="replace").splitlines()[-_TAIL_LINES:])
        seconds = round(max(result["time"] - events[0]["time"], 0), 3)
        body: dict[str, Any] = {"seconds": seconds, "tail": tail}
        if result["exit_code"] == 0:
            await self._report("checkpoint.finished", body, at=_instant(result))
            return
        body.update(exit_code=result["exit_code"], reason=result["reason"])
        await self._report("checkpoint.failed", body, at=_instant(result))

    async def _fail(self, reason: str) -> None:
        say(f"checkpoint: FAILED: {reason}")
        at = self._parts.machine.clock.now()
        await self._report("checkpoint.failed", {"seconds": 0.0, "reason": reason}, at=at)

    def _note_reported(self) -> None:
        self._reported.parent.mkdir(parents=True, exist_ok=True)
        self._reported.touch()

    async def _report(self, kind: str, body: dict[str, Any], *, at: datetime) -> None:
        occasion, generation = self._occasion, self._assignment.generation
        whole = {
            "generation": generation,
            "at": write_instant(at),
            "cause": occasion.cause,
            "request_id": occasion.request_id,
            **body,
        }
        await self._parts.outbox.put(kind, whole, key=f"{occasion.name}/{generation}")


def _argv(script: Path) -> list[str]:
    with script.open("rb") as file:
        return [str(script)] if file.read(2) == b"#!" else ["/bin/bash", str(script)]


def _instant(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["time"], timezone.utc)
