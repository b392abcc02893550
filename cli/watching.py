"""An array's report, again whenever one of its records changes."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta

from cli.plane import Plane
from cli.reports import ArrayReport, report_array
from spawn.bus.beside import beside
from spawn.bus.mirror import Mirror, mirrored
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Member

_TOGETHER = timedelta(milliseconds=100)
"""Changes this close to one another are shown as one."""


async def watch_reports(
    plane: Plane, array_id: ArrayId, show: Callable[[ArrayReport], None]
) -> None:
    """Show the report as it is, then each time that it has changed, until the array is over."""
    changed = asyncio.Event()
    async with (
        mirrored(plane.arrays, array_id) as arrays,
        mirrored(plane.members, f"{array_id}.*") as members,
        beside(_signal(arrays, changed)),
        beside(_signal(members, changed)),
    ):
        await arrays.caught_up.wait()
        await members.caught_up.wait()
        last: ArrayReport | None = None
        while entry := arrays.get(array_id):
            report = report_array(entry.value, [each.value for each in members.items().values()])
            if report != last:
                show(report)
            if entry.value.state.is_over:
                return
            last = report
            await changed.wait()
            await plane.clock.sleep(_TOGETHER)
            changed.clear()


async def _signal(mirror: Mirror[Array] | Mirror[Member], changed: asyncio.Event) -> None:
    async with aclosing(mirror.changes()) as keys:
        async for _ in keys:
            changed.set()
