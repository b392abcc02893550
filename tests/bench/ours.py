"""Launches by spawn: a command goes out, the events say what became of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from spawn.bus import follow
from spawn.bus.beside import beside
from spawn.bus.identity import new_id
from spawn.bus.ports import Followed
from spawn.bus.publish import Commands
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, array_id
from spawn.contracts.launches import (
    SUBJECT_LAUNCH,
    SUBJECT_TERMINATE,
    Launch,
    LaunchSpec,
    Terminate,
)
from tests.bench.plane import Control, Seen
from tests.bench.results import Costs

_READY = "array.ready"
_ENDS = frozenset({"array.terminated", "array.failed", "array.rejected"})
_OWNER = "cli"


class News:
    """What was heard of arrays, and when."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._heard: dict[tuple[ArrayId, str], float] = {}
        self._arrived = asyncio.Condition()

    async def listen(self) -> None:
        """Follow what is said of arrays; what is said of their members is not read here."""
        source = follow.from_now("spawn.evt.*.array.*")
        async with aclosing(follow.follow(self._control.bus, source)) as items:
            async for item in items:
                if isinstance(item, Followed):
                    await self._note(item.event)

    async def _note(self, event: Event) -> None:
        async with self._arrived:
            self._heard[event.array_id, event.name] = self._control.clock.monotonic()
            self._arrived.notify_all()

    async def ready(self, array: ArrayId) -> float:
        """Return when the array was ready; fail when it never will be."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._over(array) or self.is_ready(array))
        assert self.is_ready(array), f"{array} ended before it was ready"
        return self._heard[array, _READY]

    def is_ready(self, array: ArrayId) -> bool:
        """Say whether it has been heard to be ready."""
        return (array, _READY) in self._heard

    async def ended(self, array: ArrayId) -> None:
        """Return when nothing is left of the array."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._over(array))

    def _over(self, array: ArrayId) -> bool:
        return any((array, end) in self._heard for end in _ENDS)


class Launcher:
    """Launches and ends arrays over the bus, as the command line does."""

    def __init__(self, control: Control, news: News) -> None:
        self.control = control
        self._news = news
        self._commands = Commands(control.bus)

    async def send(self, region: str, size: int, *, spot: bool = False) -> ArrayId:
        """Ask for an array."""
        request_id = new_id()
        name = f"bench-{size}-{request_id.lower()[:8]}"
        spec = LaunchSpec(name=name, count=size, region=region, spot=spot)
        launch = Launch(request_id=request_id, spec=spec)
        await self._commands.send(SUBJECT_LAUNCH, launch, message_id=request_id)
        return array_id(
            deployment=self.control.deployment,
            owner=_OWNER,
            request_id=request_id,
            name=spec.name,
        )

    async def launch(self, region: str, size: int, *, spot: bool = False) -> tuple[ArrayId, float]:
        """Launch an array; return it once it is ready, and how long that took."""
        begun = self.control.clock.monotonic()
        array = await self.send(region, size, spot=spot)
        return array, await self._news.ready(array) - begun

    async def ready(self, array: ArrayId) -> float:
        """Return when the array was ready, by the clock's monotonic time."""
        return await self._news.ready(array)

    def is_ready(self, array: ArrayId) -> bool:
        """Say whether the array is ready."""
        return self._news.is_ready(array)

    async def end(self, *arrays: ArrayId) -> None:
        """End arrays; return when nothing of them is left."""
        for array in arrays:
            await self._commands.send(
                SUBJECT_TERMINATE, Terminate(array_id=array), message_id=new_id()
            )
        for array in arrays:
            await self._news.ended(array)

    async def sample(self, region: str, size: int) -> tuple[ArrayId, Costs]:
        """Launch an array and count what it cost until it was ready."""
        control = self.control
        calls, before = control.cloud.count(region), await control.seen()
        array, seconds = await self.launch(region, size)
        after = await control.seen()
        made, throttled = control.cloud.count(region).since(calls)
        return array, _costs(control, before, after, seconds=seconds, calls=(made, throttled))

    async def warm(self, region: str) -> None:
        """Have clients, caches and the region ready."""
        array, _ = await self.launch(region, 1)
        await self.end(array)


def _costs(
    control: Control,
    before: Seen,
    after: Seen,
    *,
    seconds: float,
    calls: tuple[dict[str, int], int],
) -> Costs:
    wrote = {name: number - before.writes[name] for name, number in after.writes.items()}
    return Costs(
        seconds=seconds,
        calls=calls[0],
        throttled=calls[1],
        member_writes=wrote["KV_spawn-members"],
        array_writes=wrote["KV_spawn-arrays"] + wrote["KV_spawn-specs"],
        events=wrote["SPAWN_EVENTS"],
        cpu={name: used - before.cpu[name] for name, used in after.cpu.items()},
        stall=after.lag.since(before.lag),
        held=after.lag.held,
        memory=sum(control.memory().values()),
    )


@asynccontextmanager
async def launcher(control: Control) -> AsyncGenerator[Launcher]:
    """Listen, and launch."""
    news = News(control)
    async with beside(news.listen()):
        yield Launcher(control, news)
