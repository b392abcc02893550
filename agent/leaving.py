"""What follows from notices: reports, the plan of the machine that leaves, word of the others.

A notice comes by the metadata service and over the bus, in any order and number; it is acted on
once. What was noticed is on disk, so that an agent that is started again goes on with it.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Any

from agent import places
from agent.checkpoints import Checkpoints
from agent.clock import write_instant
from agent.console import say
from agent.courses import Course, budget_of, course_of, grace_of
from agent.job import JobLife
from agent.metadata import Metadata, MetadataError
from agent.notices import (
    INTERRUPTION,
    LIKELIER,
    POLL_EVERY,
    Notice,
    Told,
    Unclear,
    is_interruptible,
    poll,
    read_notice,
)
from agent.occasions import Occasion
from agent.parts import Parts
from agent.tasks import Tasks


class Leaving:
    """Acts once on each notice of this machine, and writes down those of the others."""

    def __init__(self, parts: Parts, checkpoints: Checkpoints, job: JobLife) -> None:
        self._parts = parts
        self._checkpoints = checkpoints
        self._job = job
        self._known: dict[str, Notice] = {}
        self._told: list[dict[str, Any]] = places.read_json(self._where.notices_file) or []
        self._writing = asyncio.Lock()

    @property
    def _where(self) -> places.Places:
        return self._parts.machine.places

    async def run(self, metadata: Metadata, tasks: Tasks) -> None:
        """Go on with what was noticed, and ask the metadata service for more, for ever."""
        for notice in self._noticed():
            self._begin(notice, tasks)
        tasks.start(self._checkpoints.resume(), "checkpoints")
        clock, reported = self._parts.machine.clock, set[str]()
        if not await is_interruptible(metadata, clock):
            return
        while True:
            try:
                for notice in await poll(metadata):
                    if notice.key not in reported:
                        reported.add(notice.key)
                        await self._report(self._begin(notice, tasks))
            except (MetadataError, Unclear) as error:
                say(f"notices: {error}")
            await clock.sleep(POLL_EVERY)

    def hear(self, told: Told, tasks: Tasks) -> None:
        """Take in what the bus tells of this machine or of another."""
        if told.instance_id == self._parts.machine.instance.id:
            self._begin(told.notice, tasks)
        tasks.start(self._write_down(told), "notice")

    def request(self, request_id: str, tasks: Tasks) -> None:
        """Make a checkpoint because somebody asked for one."""
        if request_id.isalnum():
            tasks.start(self._on_request(request_id), f"checkpoint {request_id}")

    async def _on_request(self, request_id: str) -> None:
        assignment = await self._parts.orders.until(lambda _: True)
        now = self._parts.machine.clock.now()
        until = now + budget_of(assignment.job.checkpoint, None, now)
        name = f"request-{request_id}"
        await self._checkpoints.make(
            Occasion(name, "request", write_instant(until), request_id=request_id)
        )

    def _begin(self, notice: Notice, tasks: Tasks) -> Notice:
        """Act on a notice, unless it is known; return it as it is known now."""
        known = self._known.get(notice.key)
        if known is not None and not notice.is_before(known):
            return known
        self._known[notice.key] = notice
        if known is not None:
            # Whoever knows best when the machine dies may speak last.
            tasks.start(self._hurry(notice), f"sooner {notice.key}")
            return notice
        say(f"noticed: {notice.kind} {notice.action} {notice.dies_at}")
        tasks.start(self._act(notice), f"notice {notice.key}")
        return notice

    async def _act(self, notice: Notice) -> None:
        await asyncio.to_thread(self._keep)
        assignment = await self._parts.orders.until(lambda _: True)
        course = course_of(assignment.job.checkpoint, notice, self._parts.machine.clock.now())
        await self._parts.machine.clock.sleep(course.wait)
        if course.awaits_successor:
            await self._parts.orders.until(lambda each: not each.may_start)
        with self._parts.hold.taken():
            if course.first:
                await self._end_job(course, notice)
            if course.saves:
                await self._save(notice)
            if not course.first:
                await self._end_job(course, notice)

    async def _hurry(self, notice: Notice) -> None:
        await asyncio.to_thread(self._keep)
        if notice.kind == INTERRUPTION:
            self._checkpoints.end_by(await self._until(notice))

    async def _until(self, notice: Notice) -> datetime:
        assignment = await self._parts.orders.until(lambda _: True)
        now = self._parts.machine.clock.now()
        return now + budget_of(assignment.job.checkpoint, notice, now)

    async def _save(self, notice: Notice) -> None:
        notice = self._known[notice.key]
        # A machine that comes back from a stop may be taken away again.
        await self._checkpoints.make(
            Occasion(
                name=f"{notice.kind}-{notice.action}-{self._parts.machine.boot_id}",
                cause="interruption" if notice.kind == INTERRUPTION else LIKELIER,
                until=write_instant(await self._until(notice)),
                action=notice.action,
                dies_at=notice.dies_at,
            )
        )

    async def _end_job(self, course: Course, notice: Notice) -> None:
        if course.ends_job:
            now = self._parts.machine.clock.now()
            await self._job.end(grace_of(course, self._known[notice.key], now))

    async def _report(self, notice: Notice) -> None:
        assignment = await self._parts.orders.until(lambda _: True)
        body: dict[str, Any] = {
            "generation": assignment.generation,
            "at": write_instant(self._parts.machine.clock.now()),
            "kind": notice.kind,
            "action": notice.action,
            "source": "metadata",
        }
        if notice.dies_at:
            body["dies_at"] = notice.dies_at
        await self._parts.outbox.put("notice", body, key=f"{notice.key}/{assignment.generation}")

    async def _write_down(self, told: Told) -> None:
        entry = {
            "index": told.rank,
            "generation": told.generation,
            "instance_id": told.instance_id,
            **asdict(told.notice),
        }
        async with self._writing:
            if entry in self._told:
                return
            self._told.append(entry)
            await asyncio.to_thread(
                places.write_json, self._where.notices_file, self._told, places.PUBLIC
            )

    def _keep(self) -> None:
        notices = [asdict(each) for each in self._known.values()]
        value = {"boot_id": self._parts.machine.boot_id, "notices": notices}
        places.write_json(self._where.noticed, value)

    def _noticed(self) -> list[Notice]:
        """Return what was noticed since the machine's last boot."""
        value = places.read_json(self._where.noticed)
        if value is None or value["boot_id"] != self._parts.machine.boot_id:
            return []
        return [read_notice(each) for each in value["notices"]]
