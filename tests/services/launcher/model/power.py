"""Sudden death: doors through which every call of a replica goes, until one is its last."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from spawn.bus.ports import Fence
from spawn.clock import Clock
from spawn.errors import Transient
from tests.fakes.bus import FakeBus, FakeEvents, FakeFences


class Crash(BaseException):
    """The process is killed; nothing in the product may catch it."""


class Power:
    """What keeps one replica alive. `cut_at` is the call before or after which it dies."""

    def __init__(self) -> None:
        self.calls = 0
        self.cut_at: int | None = None
        self.cut_after = False
        self.died = asyncio.Event()
        self.left_behind: list[Any] = []

    @property
    def is_on(self) -> bool:
        return not self.died.is_set()

    def cut(self, *, calls: int, after: bool) -> None:
        """Die at the call that comes as `calls`-th from now, before or after it is performed."""
        self.cut_at, self.cut_after = self.calls + calls, after

    async def fail(self) -> None:
        """Wait for the death, and die of it."""
        await self.died.wait()
        raise Crash

    def check(self) -> None:
        if self.died.is_set():
            raise Crash

    async def call(self, work: Callable[[], Awaitable[Any]], latency: float) -> Any:
        """Perform one call, in the middle of the time that it takes."""
        self.check()
        self.calls += 1
        last = self.calls == self.cut_at
        if last and not self.cut_after:
            self._die()
        await asyncio.sleep(latency / 2)  # noqa: TID251 - the loop's own time
        self.check()
        try:
            return await work()
        finally:
            if last:
                self._die()
            await asyncio.sleep(latency / 2)  # noqa: TID251 - the loop's own time
            self.check()

    def _die(self) -> None:
        self.died.set()
        raise Crash


class Line:
    """What lies between replicas and a server: it may be cut for some calls, both ways."""

    def __init__(self) -> None:
        self.asking_lost = 0
        self.answers_lost = 0

    async def carry(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Perform one call, unless it or its answer is lost."""
        if self.asking_lost > 0:
            self.asking_lost -= 1
            raise Transient("the bus did not answer")
        answer = await work()
        if self.answers_lost > 0:
            self.answers_lost -= 1
            raise Transient("the bus did not answer, and has done it")
        return answer


class Door:
    """Stands for a port: the same methods, each of which costs time and may be the last."""

    def __init__(
        self, behind: Any, power: Power, *, latency: float, line: Line | None = None
    ) -> None:
        self._behind, self._power, self._latency = behind, power, latency
        self._line = line or Line()

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._behind, name)
        if inspect.isasyncgenfunction(what):
            return self._delayed(what)
        if not inspect.iscoroutinefunction(what):
            return what

        async def call(*args: Any, **named: Any) -> Any:
            return await self._power.call(
                lambda: self._line.carry(lambda: what(*args, **named)), self._latency
            )

        return call

    def _delayed(self, what: Callable[..., AsyncGenerator[Any]]) -> Any:
        async def watch(*args: Any) -> AsyncGenerator[Any]:
            async for change in what(*args):
                await asyncio.sleep(self._latency * 5)  # noqa: TID251 - the loop's own time
                self._power.check()
                yield change

        return watch


class Aws:
    """The door to AWS with a door for each region."""

    is_local = True

    def __init__(self, behind: Any, power: Power, *, latency: float) -> None:
        self._behind, self._power, self._latency = behind, power, latency

    def ec2(self, region: str) -> Any:
        return Door(self._behind.ec2(region), self._power, latency=self._latency)

    def ssm(self, region: str) -> Any:
        return Door(self._behind.ssm(region), self._power, latency=self._latency)

    def s3(self, region: str) -> Any:
        return Door(self._behind.s3(region), self._power, latency=self._latency)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class MortalFences:
    """Fences that a dead replica does not give back: they end with their TTL."""

    def __init__(self, bus: FakeBus, power: Power, *, holder: str, ttl: float) -> None:
        self._bus, self._power, self._ttl = bus, power, ttl
        self._fences = FakeFences(bus, holder=holder)

    def hold(self, key: str) -> AbstractAsyncContextManager[Fence | None]:
        return self._hold(key)

    @asynccontextmanager
    async def _hold(self, key: str) -> AsyncGenerator[Fence | None]:
        self._power.check()
        hold = self._fences.hold(key)
        fence = await hold.__aenter__()
        try:
            yield fence
        finally:
            if self._power.is_on:
                await hold.__aexit__(None, None, None)
            else:
                # Referred to from here, it is not given back by being collected.
                self._power.left_behind.append(hold)
                self._expire(key)

    def _expire(self, key: str) -> None:
        held = self._bus.fences.get(key)

        def expire() -> None:
            if self._bus.fences.get(key) == held:
                self._bus.expire_fence(key)

        asyncio.get_running_loop().call_later(self._ttl, expire)


class WindowedEvents:
    """Events as the stream takes them: an id is recognised for as long as its window is open."""

    def __init__(self, bus: FakeBus, clock: Clock, *, window: float) -> None:
        self._bus, self._clock, self._window = bus, clock, window
        self._events = FakeEvents(bus)
        self._stored: dict[str, float] = {}
        self.stored_again: list[tuple[str, float]] = []

    async def publish(self, event: Any) -> Any:
        now = self._clock.monotonic()
        before = self._stored.get(event.id, now)
        if now - before > self._window:
            self._bus.event_ids.pop(event.id, None)
            self.stored_again.append((event.id, before))
        if event.id not in self._bus.event_ids:
            self._stored[event.id] = now
        return await self._events.publish(event)

    async def publish_many(self, events: tuple[Any, ...]) -> None:
        for event in events:
            await self.publish(event)
