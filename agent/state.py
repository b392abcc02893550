"""What the parts of the agent share: who this machine is, and what it was told last."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from agent import orders, places
from agent.clock import Clock
from agent.config import Config
from agent.metadata import Instance
from agent.orders import Assignment
from agent.subjects import Subjects


@dataclass(frozen=True)
class Machine:
    """What stays the same as long as the agent runs."""

    config: Config
    instance: Instance
    boot_id: str
    clock: Clock

    @property
    def places(self) -> places.Places:
        """Where its files lie."""
        return places.Places(self.config.root)

    @property
    def subjects(self) -> Subjects:
        """What it hears and says."""
        return Subjects(self.config.array_id, self.instance.id)


class Orders:
    """The last assignment, kept over restarts of the agent; who waits for one is woken.

    `armed` is set when the dead-man switch has been given another lease, `fresh` once there is an
    assignment that was asked for since this start.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = asyncio.Condition()
        self._data = b""
        self.armed = asyncio.Event()
        self.fresh = asyncio.Event()
        self.current: Assignment | None = None
        if file.exists():
            self._data = file.read_bytes()
            self.current = orders.read_assignment(self._data)

    async def set(self, data: bytes) -> Assignment:
        """Take an assignment in, and return it; a job that is no longer known stays what it was.

        Raises `Unreadable`.
        """
        assignment = orders.read_assignment(data)
        if not assignment.job_known and self._data:
            data = orders.keep_job(data, self._data)
            assignment = orders.read_assignment(data)
        if assignment != self.current:
            await asyncio.to_thread(places.write, self._file, data, places.PRIVATE)
        async with self._changed:
            self.current, self._data = assignment, data
            self.fresh.set()
            self._changed.notify_all()
        return assignment

    async def until(self, fits: Callable[[Assignment], bool]) -> Assignment:
        """Wait for an assignment that fits."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.current is not None and fits(self.current))
            if self.current is None:
                raise AssertionError("the wait is over without an assignment")
            return self.current


def boot_id(where: places.Places) -> str:
    """Return an id that lasts until the machine's next boot."""
    return places.read_text(where.root / "proc/sys/kernel/random/boot_id")
