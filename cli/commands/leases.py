"""`spawn leases`: what ends when."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
import typer

from cli.coming import idle_words
from cli.flags import JsonFlag
from cli.lines import format_local
from cli.plane import Plane, open_plane
from cli.render import note, put_json, put_table, redrawn
from spawn.bus.mirror import mirrored
from spawn.contracts.arrays import Array
from spawn.contracts.durations import format_duration
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState, lease_key
from spawn.contracts.leases import NO_END, LeaseAction
from spawn.errors import NotFound

COLUMNS = ("name", "ends", "in", "then", "idle", "id")

_TICK = timedelta(seconds=1)


class LeaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One living array, or a member that has its own lease, and when it ends.

    `state` is null until the TTL service has the lease; `idle` is there where idleness counts,
    in words.
    """

    array_id: ArrayId
    name: str
    until: datetime
    seconds_left: float
    rank: int | None = None
    action: str
    state: LeaseState | None
    idle: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leases")(leases)


def leases(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Count down, and show every change.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what ends when, the next first."""
    asyncio.run(_follow(as_json=as_json) if follow else _show_once(as_json=as_json))


async def _show_once(*, as_json: bool) -> None:
    async with open_plane() as plane:
        arrays = await plane.all_arrays()
        records = {key: entry.value for key, entry in (await plane.leases.load()).items()}
        _show(await _lines(plane, arrays, records), as_json=as_json)


async def _follow(*, as_json: bool) -> None:
    """Count down on a terminal, and elsewhere show all again at each change; to the last end."""
    async with (
        open_plane() as plane,
        mirrored(plane.arrays, "*") as arrays,
        mirrored(plane.leases) as records,
    ):
        await arrays.caught_up.wait()
        await records.caught_up.wait()
        shown: list[LeaseLine] | None = None
        with redrawn(wanted=not as_json) as draw:
            while shown != []:
                known = {key: entry.value for key, entry in records.items().items()}
                alive = [entry.value for entry in arrays.items().values()]
                lines = await _lines(plane, alive, known)
                if draw:
                    draw("", COLUMNS, list(map(cells, lines)))
                elif shown is None or list(map(_lasting, lines)) != list(map(_lasting, shown)):
                    _show(lines, as_json=as_json)
                shown = lines
                await plane.clock.sleep(_TICK)


def _lasting(line: LeaseLine) -> LeaseLine:
    """Return what of a line does not change with every second."""
    return msgspec.structs.replace(line, seconds_left=0, idle=line.idle.partition(" ")[0])


def _show(lines: Iterable[LeaseLine], *, as_json: bool) -> None:
    shown = list(lines)
    if as_json:
        for line in shown:
            put_json(line)
    elif shown:
        put_table(COLUMNS, map(cells, shown))
    else:
        note("no array is alive")


def cells(line: LeaseLine) -> tuple[object, ...]:
    """Return a line's cells, in the order of `COLUMNS`."""
    is_over = line.seconds_left <= 0 or line.state is LeaseState.EXPIRING
    over = "ending" if line.action == LeaseAction.TERMINATE else "over"
    left = over if is_over else format_duration(timedelta(seconds=line.seconds_left))
    left = "-" if line.until >= NO_END else left
    name = line.name if line.rank is None else f"{line.name}:{line.rank}"
    return name, format_local(line.until), left, line.action, line.idle, line.array_id


async def _lines(
    plane: Plane, arrays: Iterable[Array], records: Mapping[str, LeaseRecord]
) -> list[LeaseLine]:
    """Return a line for each lease that counts, the next to end first."""
    now = plane.clock.now()
    lines = [
        line
        for array in arrays
        if not array.state.is_over
        for line in (
            line_of(array, records.get(array.id), now),
            *[each async for each in _own_lines(plane, array, records, now)],
        )
    ]
    return sorted(lines, key=lambda line: line.until)


async def _own_lines(
    plane: Plane, array: Array, records: Mapping[str, LeaseRecord], now: datetime
) -> AsyncGenerator[LeaseLine]:
    """Yield the lines of members that have leases of their own and have not ended."""
    parent = records.get(array.id)
    for rank in parent.own if parent else ():
        key = lease_key(array.id, rank)
        record = records.get(key)
        if record is not None and not await _has_ended(plane, key, record):
            yield line_of(array, record, now)


async def _has_ended(plane: Plane, key: str, record: LeaseRecord) -> bool:
    if record.state is LeaseState.ARMED:
        return False
    try:
        return (await plane.members.get(key)).value.is_over
    except NotFound:
        return True


def line_of(array: Array, record: LeaseRecord | None, now: datetime) -> LeaseLine:
    """Report when an array or a member ends: as the TTL service has it, or else as launched."""
    lease = record.lease if record else array.lease
    return LeaseLine(
        array_id=array.id,
        name=array.name,
        rank=record.rank if record else None,
        until=lease.until,
        seconds_left=(lease.until - now).total_seconds(),
        action=lease.action,
        state=record.state if record else None,
        idle=_idle(array, record, now),
    )


def _idle(array: Array, record: LeaseRecord | None, now: datetime) -> str:
    """Write how idle an array is; what is known of one member stands with all of them."""
    if record is None:
        return idle_words(array, None, now)
    return idle_words(array, record.idle, now) if record.rank is None else ""
