"""`spawn list`: arrays, one a line."""

import asyncio
from typing import Annotated

import typer

from cli.flags import JsonFlag
from cli.lines import format_local
from cli.plane import Plane, open_plane
from cli.render import note, put_json, put_table
from cli.reports import ArrayLine, line_of
from spawn.contracts.arrays import Array

COLUMNS = ("name", "state", "ready", "size", "region", "until", "id")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(list_arrays)


def list_arrays(
    *,
    ended: Annotated[
        bool, typer.Option("--all", "-a", help="Also those that have ended.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List arrays."""
    lines, hidden = asyncio.run(_read(ended=ended))
    if as_json:
        for line in lines:
            put_json(line)
        return
    if lines:
        put_table(COLUMNS, map(cells, lines))
    else:
        note(f"no array is alive{f'; --all shows {hidden} ended' if hidden else ''}")


def cells(line: ArrayLine) -> tuple[object, ...]:
    """Return a line's cells, in the order of `COLUMNS`."""
    until = format_local(line.lease_until)
    return line.name, line.shown_state, line.ready, line.size, line.region, until, line.array_id


async def _read(*, ended: bool) -> tuple[list[ArrayLine], int]:
    """Return the arrays to show, oldest first, and how many are left out."""
    async with open_plane() as plane:
        arrays = sorted(await plane.all_arrays(), key=lambda array: array.accepted_at)
        shown = [array for array in arrays if ended or not array.state.is_over]
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(_line(plane, array)) for array in shown]
    return [read.result() for read in reads], len(arrays) - len(shown)


async def _line(plane: Plane, array: Array) -> ArrayLine:
    is_told = not array.state.is_over or array.has_job
    members = await plane.members_of(array.id) if is_told else []
    return line_of(array, members)
