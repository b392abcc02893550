"""Timers in memory, which are due when a test says that it is time."""

from datetime import datetime

import msgspec

from spawn.bus import codec
from spawn.bus.stores import check_key


class FakeSchedules:
    """A `SchedulesPort` that holds state; several replicas may share it."""

    def __init__(self) -> None:
        self.timers: dict[str, tuple[datetime, bytes]] = {}

    async def set(self, timer: str, at: datetime, body: msgspec.Struct) -> None:
        self.timers[check_key(timer)] = (at, codec.encode(body, field=timer))

    async def cancel(self, timer: str) -> None:
        self.timers.pop(check_key(timer), None)

    async def names(self) -> frozenset[str]:
        return frozenset(self.timers)

    def take_due(self, now: datetime) -> list[tuple[str, bytes]]:
        """Take away the timers that are due, the earliest first, with their bodies."""
        due = sorted((at, name) for name, (at, _) in self.timers.items() if at <= now)
        return [(name, self.timers.pop(name)[1]) for _, name in due]
