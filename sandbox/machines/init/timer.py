"""One timer: waits for its times and starts its unit at each."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from sandbox.machines.init.timer_files import Past, TimerFile, next_elapse
from sandbox.machines.init.world import World
from spawn.clock import wait_event

_LOOK_AGAIN = timedelta(seconds=30)
"""The wall clock can be set: a long wait is looked at anew."""


class Timer:
    """The life of a timer, from its start to its stop."""

    def __init__(
        self,
        name: str,
        file: TimerFile,
        world: World,
        *,
        trigger: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        self.name = name
        self.file = file
        self._world = world
        self._trigger = trigger
        self.state = "inactive"
        self.sub_state = "dead"
        self.triggered: datetime | None = None
        self.elapses: datetime | None = None
        self._stopping = asyncio.Event()
        self.over = asyncio.Event()
        self.over.set()

    @property
    def is_active(self) -> bool:
        """Whether it waits, or has elapsed for good."""
        return self.state == "active"

    def begin(self) -> None:
        """Get ready for `live`."""
        self._stopping.clear()
        self.over.clear()
        self.state, self.sub_state = "active", "waiting"

    async def live(self) -> None:
        """Elapse as often as the file says, until it is stopped."""
        past = Past(
            booted=self._world.booted, activated=self._world.clock.now(), stamp=self._stamped()
        )
        try:
            while (due := next_elapse(self.file, past)) is not None:
                self.elapses = due
                if await self._stopped_before(due):
                    return
                past = await self._elapse(past)
            self.elapses, self.sub_state = None, "elapsed"
            if self.file.remains:
                await self._stopping.wait()
        finally:
            self.elapses = None
            self.state, self.sub_state = "inactive", "dead"
            self.over.set()

    async def stop(self) -> None:
        """End it; what it started goes on."""
        self._stopping.set()
        await self.over.wait()

    async def _stopped_before(self, due: datetime) -> bool:
        while (left := due - self._world.clock.now()) > timedelta(0):
            if await wait_event(self._stopping, min(left, _LOOK_AGAIN)):
                return True
        return self._stopping.is_set()

    async def _elapse(self, past: Past) -> Past:
        self.triggered = self._world.clock.now()
        self._stamp(self.triggered)
        self.sub_state = "running"
        async with asyncio.TaskGroup() as group:
            run = group.create_task(self._trigger(self.file.unit))
            stop = group.create_task(self._stopping.wait())
            await asyncio.wait({run, stop}, return_when=asyncio.FIRST_COMPLETED)
            run.cancel()
            stop.cancel()
        self.sub_state = "waiting"
        ended = None if self._stopping.is_set() else self._world.clock.now()
        return msgspec.structs.replace(
            past, triggered=self.triggered, unit_started=self.triggered, unit_ended=ended
        )

    def _stamped(self) -> datetime | None:
        """Return the stamp of an earlier boot; a timer without one gets it now."""
        if not self.file.persistent:
            return None
        try:
            return datetime.fromtimestamp(self._stamp_file().stat().st_mtime, UTC)
        except FileNotFoundError:
            self._stamp(self._world.clock.now())
            return None

    def _stamp(self, at: datetime) -> None:
        if not self.file.persistent:
            return
        path = self._stamp_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at.timestamp(), at.timestamp()))

    def _stamp_file(self) -> Path:
        return self._world.folder.root / f"var/lib/systemd/timers/stamp-{self.name}"
