"""`spawn leases`: what ends when."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import typer

from cli.flags import JsonFlag
from cli.lines import format_local
from cli.plane import open_plane
from cli.render import note, put_json, put_table
from spawn.contracts.arrays import Array
from spawn.contracts.durations import format_duration
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState

COLUMNS = ("name", "ends", "in", "then", "id")


class LeaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One living array and when it ends; `state` is null until the TTL service has the lease."""

    array_id: ArrayId
    name: str
    until: datetime
    seconds_left: float
    action: str
    state: LeaseState | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leases")(leases)


def leases(
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show what ends when, the next first."""
    lines = asyncio.run(_read())
    if as_json:
        for line in lines:
            put_json(line)
    elif lines:
        put_table(COLUMNS, map(cells, lines))
    else:
        note("no array is alive")


def cells(line: LeaseLine) -> tuple[object, ...]:
    """Return a line's cells, in the order of `COLUMNS`."""
    is_over = line.seconds_left <= 0 or line.state is LeaseState.EXPIRING
    left = "ending" if is_over else format_duration(timedelta(seconds=line.seconds_left))
    return line.name, format_local(line.until), left, line.action, line.array_id


async def _read() -> list[LeaseLine]:
    async with open_plane() as plane:
        arrays = await plane.all_arrays()
        records = await plane.leases.load("*")
        now = plane.clock.now()
    lines = [
        line_of(array, entry.value if (entry := records.get(array.id)) else None, now)
        for array in arrays
        if not array.state.is_over
    ]
    return sorted(lines, key=lambda line: line.until)


def line_of(array: Array, record: LeaseRecord | None, now: datetime) -> LeaseLine:
    """Report when an array ends: as the TTL service has it, or else as it was launched."""
    lease = record.lease if record else array.lease
    return LeaseLine(
        array_id=array.id,
        name=array.name,
        until=lease.until,
        seconds_left=(lease.until - now).total_seconds(),
        action=lease.action,
        state=record.state if record else None,
    )
