"""Checkpoints, one after the other; each in a folder of its own, by a keeper of its own.

The keeper bounds a script in time and output, and outlives the agent; what its journal says is
reported by whichever agent reads it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from agent import places
from agent.clock import read_instant
from agent.occasions import Checkpoint, Occasion
from agent.parts import Parts
from agent.script import Script


class Checkpoints:
    """Makes checkpoints; an interruption's takes the place of one that is under way."""

    def __init__(self, parts: Parts, script: Script) -> None:
        self._parts = parts
        self._script = script
        self._turn = asyncio.Lock()
        self._limit: datetime | None = None
        self._is_good = False

    async def resume(self) -> None:
        """See those to their ends that an agent before this one has begun."""
        folder = self._parts.machine.places.checkpoints
        for file in sorted(folder.glob("*/occasion.json")):
            if not (file.parent / "reported").exists():
                await self.make(Occasion(**places.read_json(file)))

    async def make(self, occasion: Occasion) -> None:
        """Make the checkpoint of an occasion, once, and report how it went."""
        with self._parts.hold.taken():
            joins = self._turn.locked() and occasion.cause == "interruption"
            if joins:
                # What is being saved is as good as what would be saved after it, if it is in time.
                self.end_by(read_instant(occasion.until))
            async with self._turn:
                self._limit = None
                if not (joins and self._is_good):
                    self._is_good = await self._make(occasion)

    def end_by(self, until: datetime) -> None:
        """Cut off then what is being saved, if it has not ended by itself."""
        self._limit = until if self._limit is None else min(self._limit, until)

    async def _make(self, occasion: Occasion) -> bool:
        assignment = await self._parts.orders.until(lambda _: True)
        checkpoint = Checkpoint(self._parts, assignment, occasion)
        return await checkpoint.make(self._script, lambda: self._limit)
