"""A zone, the launcher's records, and replicas of the service, in a time of their own."""

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from services.dns.ports import World
from tests.fakes.bus import FakeBus
from tests.fakes.warp import WarpClock, WarpLoop
from tests.fakes.zone import FakeZone
from tests.services.dns.worlds import BASE, Records, make_world, serving


class Life:
    """What there is besides the service, and the service for as long as it is let live."""

    def __init__(self) -> None:
        self.loop = WarpLoop()
        self.clock = WarpClock(self.loop)
        self.bus = FakeBus()
        self.zone = FakeZone(self.clock, base=BASE)
        self.records = Records(self.bus)

    def world(self, holder: str = "a") -> World:
        return make_world(self.bus, self.clock, self.zone, holder=holder)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def live(
        self,
        *worlds: World,
        lasting: timedelta = timedelta(seconds=20),
        beside: Coroutine[Any, Any, None] | None = None,
    ) -> None:
        """Let replicas run for a while, and end them as a crash does."""

        async def run() -> None:
            async with AsyncExitStack() as stack:
                for world in worlds:
                    await stack.enter_async_context(serving(world))
                if beside is not None:
                    await beside
                await self.clock.sleep(lasting)

        self.run(run())

    def names(self) -> dict[str, tuple[str, ...]]:
        return {name.removesuffix(f".{BASE}"): each for name, each in self.zone.names().items()}

    def said(self) -> list[Any]:
        return [each.data for each in self.bus.events]
