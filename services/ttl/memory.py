"""What one replica of the TTL service remembers: ends that are being asked for, for a moment."""

import asyncio
from collections.abc import Iterable

from spawn.contracts.lease_records import Over
from spawn.errors import Outcome


class Ends:
    """Leases that are over, gathered so that one command names many."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._waiting: dict[Over, list[asyncio.Future[None]]] = {}

    async def ask(self, over: Over) -> None:
        """Return once the command that names this lease is stored; raise why it is not."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(over, []).append(stored)
        self.asked.set()
        await stored

    def first(self, most: int) -> tuple[Over, ...]:
        """Return the leases that have waited longest."""
        chosen = tuple(self._waiting)[:most]
        if len(chosen) == len(self._waiting):
            self.asked.clear()
        return chosen

    def settle(self, overs: Iterable[Over], outcome: Outcome | None = None) -> None:
        """Tell those who wait for these leases that they were named, or why not."""
        for over in overs:
            for stored in self._waiting.pop(over, ()):
                if stored.done():
                    continue
                if outcome is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(outcome)
