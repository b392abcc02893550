"""Following one array until it is where a command wants it to be."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

from cli.lines import format_counts
from cli.plane import Plane
from cli.progress import Progress, progress_of
from spawn.bus.ports import CaughtUp, Followed
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import ArrayRejected, Event

Reached = Callable[[Progress], bool]

_RUNS = {ArrayState.READY, ArrayState.DEGRADED, ArrayState.FINISHED, ArrayState.RECOVERED}


class Display(Protocol):
    """Where a person watches."""

    def look(self, progress: Progress) -> None:
        """Take in how things stand, without an event that led there."""
        ...

    def show(self, event: Event, progress: Progress) -> None:
        """Take in an event and what it led to."""
        ...

    def say(self, text: str) -> None:
        """Say something besides."""
        ...

    def write(self, data: bytes) -> None:
        """Show whole lines of a job's output."""
        ...


def is_ready(progress: Progress) -> bool:
    """Say whether the array runs, or never will."""
    return progress.state in _RUNS or is_over(progress)


def is_over(progress: Progress) -> bool:
    """Say whether nothing of the array is left."""
    return progress.state is not None and progress.state.is_over


def is_finished(progress: Progress) -> bool:
    """Say whether the array's job has ended, or never will."""
    return progress.state is ArrayState.FINISHED or is_over(progress)


def is_accepted(progress: Progress) -> bool:
    """Say whether the array exists."""
    return progress.state is not None


def where_it_stands(name: str, progress: Progress) -> str:
    """Say in a few words how far an array is."""
    state = progress.state or "not accepted yet"
    counts = format_counts(progress.counts)
    return f"{name} is {state}{f' ({counts})' if counts else ''}"


class Unseen:
    """A display that nobody sees."""

    def look(self, progress: Progress) -> None:
        """Draw nothing."""

    def show(self, event: Event, progress: Progress) -> None:
        """Draw nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def write(self, data: bytes) -> None:
        """Write nothing."""


class Watch:
    """An array that is followed from its records on: `progress` is what is known so far."""

    def __init__(self, plane: Plane, array: Array, display: Display) -> None:
        self._plane = plane
        self._array = array
        self._display = display
        self.progress = progress_of(array, ())

    async def until(
        self, reached: Reached, *, begin: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Follow until `reached` holds; `begin` runs once nothing can be missed any more."""
        async with aclosing(self._plane.follow(self._array.id, from_first=False)) as items:
            async for item in items:
                match item:
                    case Followed(event=event):
                        await self._take(event)
                        self._display.show(event, self.progress)
                    case CaughtUp():
                        await self._read()
                        begin = await _run_once(begin)
                        self._display.look(self.progress)
                if reached(self.progress):
                    return

    async def _take(self, event: Event) -> None:
        if isinstance(event.data, ArrayRejected):
            # It may answer a command that only has the same id: the record says which.
            await self._read()
        else:
            self.progress.apply(event)

    async def _read(self) -> None:
        """Begin from the records: what happened before the events that are followed."""
        entry = await self._plane.arrays.get(self._array.id)
        self.progress = progress_of(entry.value, await self._plane.members_of(self._array.id))


async def _run_once(begin: Callable[[], Awaitable[None]] | None) -> None:
    if begin is not None:
        await begin()
