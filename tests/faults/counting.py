"""A world whose door calls are counted, and that ends its process at a chosen one.

Every call of a store, of the events, of the fences, of AWS and of the clock's sleep passes a
turnstile. Events are counted one by one, also where many are published at once.
"""

import inspect
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from spawn.bus.ports import Receipt
from spawn.bus.publish import Events
from spawn.contracts.events import Event
from spawn.runtime.context import Context

When = Literal["before", "after"]

DONE = " done"
"""Stands behind a call in the journal once it has ended."""


@dataclass(frozen=True)
class Kill:
    """The process ends itself, as by kill -9, before or after its `number`-th door call.

    With `call` only those of that name count.
    """

    number: int
    when: When
    call: str = ""


class Turnstile:
    """Notes the beginning and end of calls in a journal; kills the process at the chosen one."""

    def __init__(self, journal: Path, kill: Kill | None) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._kill = kill
        self._passed = Counter[str]()

    @asynccontextmanager
    async def passing(self, call: str) -> AsyncGenerator[None]:
        self._passed.update(("", call))
        passed = {name: self._passed[name] for name in ("", call)}
        self._note(call)
        self._end_at(passed, "before")
        try:
            yield
        finally:
            self._note(f"{call}{DONE}")
            self._end_at(passed, "after")

    def _note(self, line: str) -> None:
        # Written at once, so that it is there after the kill.
        os.write(self._journal, f"{line}\n".encode())

    def _end_at(self, passed: Mapping[str, int], when: When) -> None:
        kill = self._kill
        if kill is not None and kill.when == when and passed.get(kill.call) == kill.number:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """Any door, with its coroutines, streams and holds counted."""

    def __init__(self, door: object, name: str, turnstile: Turnstile) -> None:
        self._door = door
        self._name = name
        self._turnstile = turnstile

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._door, name)
        if name == "pacer":
            return Counted(found, name, self._turnstile)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            return self._call(name, partial(found, *given, **named), found)

        return call

    def _call(self, name: str, begin: partial[Any], method: Callable[..., Any]) -> Any:
        shown = f"{self._name}.{name}"
        if name == "update":
            _key, record, _revision = begin.args
            shown = f"{shown} {record.state}" if hasattr(record, "state") else shown
        if name in {"ec2", "ssm", "iam"}:
            return Counted(begin(), name, self._turnstile)
        if name == "hold":
            return self._hold(begin(), shown)
        if inspect.isasyncgenfunction(method):
            return self._stream(begin, shown)
        if inspect.iscoroutinefunction(method):
            return self._await(begin, shown)
        return begin()

    async def _await(self, begin: Callable[[], Any], call: str) -> Any:
        async with self._turnstile.passing(call):
            return await begin()

    async def _stream(self, begin: Callable[[], Any], call: str) -> AsyncGenerator[Any]:
        async with self._turnstile.passing(call):
            stream = begin()
        try:
            async for item in stream:
                yield item
        finally:
            await stream.aclose()

    @asynccontextmanager
    async def _hold(
        self, hold: AbstractAsyncContextManager[Any], call: str
    ) -> AsyncGenerator[Any]:
        async with self._turnstile.passing(call):
            held = await hold.__aenter__()
        try:
            yield held
        finally:
            async with self._turnstile.passing("fences.release"):
                await hold.__aexit__(None, None, None)


class CountedEvents(Events):
    """Events, each counted by its name."""

    def __init__(self, context: Context[Any], turnstile: Turnstile) -> None:
        super().__init__(context.bus)
        self._turnstile = turnstile

    async def publish(self, event: Event) -> Receipt:
        async with self._turnstile.passing(f"events.publish {event.name}"):
            return await super().publish(event)


Open = Callable[[Context[Any]], AbstractAsyncContextManager[Any]]
"""Opens the world of a service."""


def counted(open_world: Open, turnstile: Turnstile) -> Open:
    """Wrap the opening of a service's world so that all its doors are counted."""

    def count(door: object, name: str) -> Any:
        return Counted(door, name, turnstile)

    @asynccontextmanager
    async def opened(context: Context[Any]) -> AsyncGenerator[Any]:
        async with open_world(context) as world:
            stores = {
                field.name: count(getattr(world.stores, field.name), field.name)
                for field in fields(world.stores)
            }
            yield replace(
                world,
                stores=replace(world.stores, **stores),
                events=CountedEvents(context, turnstile),
                fences=count(world.fences, "fences"),
                aws=count(world.aws, "aws"),
                clock=count(world.clock, "clock"),
            )

    return opened
