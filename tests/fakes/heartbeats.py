"""What machines say of their work, in memory."""

import asyncio
from collections.abc import AsyncGenerator

from spawn.bus.ports import Reported
from spawn.contracts.reports import Heartbeat


class FakeHeartbeats:
    """A `HeartbeatsPort`: what machines have said last is told first."""

    def __init__(self) -> None:
        self.last: dict[str, Reported[Heartbeat]] = {}
        self._listeners: set[asyncio.Queue[Reported[Heartbeat]]] = set()

    def say(self, said: Reported[Heartbeat]) -> None:
        """Have a machine say it."""
        self.last[said.instance_id] = said
        for listener in self._listeners:
            listener.put_nowait(said)

    async def follow(self) -> AsyncGenerator[Reported[Heartbeat]]:
        queue: asyncio.Queue[Reported[Heartbeat]] = asyncio.Queue()
        for said in self.last.values():
            queue.put_nowait(said)
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
