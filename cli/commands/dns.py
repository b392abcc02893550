"""`spawn dns`: the names of machines: what is in the zone, whether it is right, what is stale."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import typer

from cli.asking import confirm
from cli.completion import complete_array
from cli.exits import Ended, Exit
from cli.flags import JsonFlag, YesFlag
from cli.naming import Finding, Resolve, by_name_server, by_this_host, judge
from cli.plane import Plane, open_plane
from cli.render import note, put_json, put_table
from spawn.contracts.counts import counted
from spawn.contracts.hostnames import (
    API_CHECK,
    API_COLLECT,
    API_LIST,
    CheckRecords,
    CollectRecords,
    ListRecords,
    OwnedRecord,
    RecordCheck,
    RecordCollection,
    RecordList,
)
from spawn.runtime.home import locate, running

RECORD_COLUMNS = ("name", "type", "values", "array")
FINDING_COLUMNS = ("name", "type", "wanted", "in the zone", "recorded", "resolves to", "why")
_MOST_SHOWN = 3

Chosen = Annotated[
    str,
    typer.Argument(
        metavar="[ARRAY]", help="One array's only: its name or id.", autocompletion=complete_array
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        name="dns",
        help="See which names machines have, and whether they are right.",
        no_args_is_help=True,
    )
    group.command("list")(list_records)
    group.command("check")(check)
    group.command("gc")(collect)
    app.add_typer(group)


def list_records(array: Chosen = "", *, as_json: JsonFlag = False) -> None:
    """List the records in the zone that are ours."""
    asyncio.run(_list(array, as_json=as_json))


def check(array: Chosen = "", *, as_json: JsonFlag = False) -> None:
    """Compare what should be, what is recorded, what the zone has and what resolves here."""
    asyncio.run(_check(array, as_json=as_json))


def collect(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Find records of ours that no machine has any more, and remove them."""
    asyncio.run(_collect(dry_run=dry_run, yes=yes, as_json=as_json))


async def _list(array: str, *, as_json: bool) -> None:
    async with open_plane() as plane:
        records = [each async for each in _records(plane, await _id_of(plane, array))]
    if as_json:
        for each in records:
            put_json(each)
    elif records:
        put_table(RECORD_COLUMNS, map(_cells, records))
    else:
        note("no records")


async def _records(plane: Plane, array_id: str) -> AsyncGenerator[OwnedRecord]:
    """Yield records page by page."""
    after = ""
    while True:
        question = ListRecords(array_id=array_id, after=after)
        page = await plane.requests.ask(API_LIST, question, RecordList)
        for each in page.records:
            yield each
        if not page.more:
            return
        after = page.more


async def _check(array: str, *, as_json: bool) -> None:
    async with open_plane() as plane:
        array_id = await _id_of(plane, array)
        question = CheckRecords(array_id=array_id)
        told = await plane.requests.ask(API_CHECK, question, RecordCheck)
        records = [each async for each in _records(plane, array_id)]
    findings = await judge(told, records, _resolver(told.base))
    if as_json:
        for each in findings:
            put_json(each)
    elif findings:
        put_table(FINDING_COLUMNS, map(_finding_cells, findings))
    agreeing = counted(told.agreeing, "record")
    note(f"as they should be: {agreeing} of {told.base} ({told.backend})")
    if told.untold:
        note(f"{told.untold} further differences are not shown")
    if findings or told.untold:
        raise Ended(Exit.FAILED, counted(len(findings) + told.untold, "difference"))


async def _collect(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    async with open_plane() as plane:
        found = await _ask(plane, dry_run=True)
        if not as_json:
            _show_stale(found)
        if not dry_run and found.stale:
            await confirm(f"Remove {counted(len(found.stale), 'record')}?", yes=yes)
            found = await _ask(plane, dry_run=False)
            note(f"removed from the zone: {counted(len(found.stale), 'record')}")
    if as_json:
        for each in found.stale:
            put_json(each)


async def _ask(plane: Plane, *, dry_run: bool) -> RecordCollection:
    question = CollectRecords(dry_run=dry_run)
    return await plane.requests.ask(API_COLLECT, question, RecordCollection)


async def _id_of(plane: Plane, array: str) -> str:
    return (await plane.find(array)).id if array else ""


def _resolver(base: str) -> Resolve:
    """Return who is asked: this host's resolver, or the laptop cloud's name server for its own."""
    control = running(locate())
    cloud = control.sandbox if control is not None else None
    if cloud is not None and cloud.dns_base == base and cloud.dns_port:
        return by_name_server(cloud.dns_port)
    return by_this_host


def _show_stale(found: RecordCollection) -> None:
    if found.stale:
        put_table(RECORD_COLUMNS, map(_cells, found.stale))
    else:
        note("no stale records")


def _cells(record: OwnedRecord) -> tuple[object, ...]:
    return record.name, record.type, _some(record.values), record.array_id


def _finding_cells(finding: Finding) -> tuple[object, ...]:
    values = (finding.wanted, finding.found, finding.recorded, finding.resolved)
    return finding.name, finding.type, *map(_some, values), finding.why


def _some(values: tuple[str, ...]) -> str:
    """Write values as far as a table has room for them."""
    rest = len(values) - _MOST_SHOWN
    shown = ", ".join(values[:_MOST_SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else shown
