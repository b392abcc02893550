"""Following the output of an array's job, and what is left of it at the end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from cli.output import Continuity, Printer
from cli.plane import Plane
from cli.render import note
from spawn.bus.logs import Logged
from spawn.bus.ordered import Source
from spawn.bus.ports import CaughtUp, Restarted
from spawn.contracts.counts import counted


class Tail:
    """One reading of output, from block to block: it can be left at any time and taken up again.

    `name` is the array's, for what is said of gaps.
    """

    def __init__(self, plane: Plane, name: str, source: Source, printer: Printer) -> None:
        self._plane = plane
        self._name = name
        self._source = source
        self._printer = printer
        self._continuity = Continuity()

    async def follow(self) -> None:
        """Show output as it comes, until cancelled."""
        async with aclosing(self._open()) as items:
            async for item in items:
                self._take(item)

    async def drain(self) -> None:
        """Show what is stored now and has not been shown."""
        async with aclosing(self._open()) as items:
            async for item in items:
                self._take(item)
                if isinstance(item, CaughtUp):
                    return

    def _open(self) -> AsyncGenerator[Logged | CaughtUp | Restarted]:
        return self._plane.output(self._source)

    def _take(self, item: Logged | CaughtUp | Restarted) -> None:
        match item:
            case Logged():
                self._show(item)
                self._source = msgspec.structs.replace(self._source, after=item.sequence)
            case Restarted():
                self._source = msgspec.structs.replace(self._source, after=0)
                note("the bus has lost the output that it had; what follows is new")
            case CaughtUp():
                pass

    def _show(self, logged: Logged) -> None:
        taken = self._continuity.take(logged.block)
        if taken.missing:
            note(
                f"{self._name}-{logged.block.rank}: {counted(taken.missing, 'line')} missing here"
            )
        if taken.lines:
            self._printer.show(logged, taken)
