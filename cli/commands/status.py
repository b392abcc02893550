"""`spawn status`: one array and its members, now or as they change."""

import asyncio
from typing import Annotated

import typer

from cli.flags import ArrayArgument, JsonFlag
from cli.lines import format_local
from cli.plane import Plane, open_plane
from cli.render import put, put_json, put_table, redrawn
from cli.reports import ArrayReport, MemberReport, report_array
from cli.watching import watch_reports
from spawn.contracts.ids import ArrayId

COLUMNS = ("rank", "state", "instance", "ip", "market", "type", "zone", "generation")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    array: ArrayArgument,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show every change until it has ended.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show one array and its members."""
    asyncio.run(_status(array, follow=follow, as_json=as_json))


async def _status(name: str, *, follow: bool, as_json: bool) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        if follow:
            await _follow(plane, array.id, as_json=as_json)
            return
        report = report_array(array, await plane.members_of(array.id))
    if as_json:
        put_json(report)
        return
    put(headline(report))
    put_table(COLUMNS, map(cells, report.members))


async def _follow(plane: Plane, array_id: ArrayId, *, as_json: bool) -> None:
    """Show every change: redrawn on a terminal, a line each elsewhere."""
    with redrawn(wanted=not as_json) as draw:

        def show_one(report: ArrayReport) -> None:
            if as_json:
                put_json(report)
            elif draw:
                draw(headline(report), COLUMNS, list(map(cells, report.members)))
            else:
                put(headline(report).replace("\n", "; "))

        await watch_reports(plane, array_id, show_one)


def headline(report: ArrayReport) -> str:
    """Write what is to be said of the array itself."""
    because = f": {report.reason}" if report.reason else ""
    return (
        f"{report.name} ({report.array_id}) {report.state}{because}\n"
        f"{report.ready} of {report.size} run in {report.region},"
        f" until {format_local(report.lease_until)}"
    )


def cells(member: MemberReport) -> tuple[object, ...]:
    """Return a member's cells, in the order of `COLUMNS`."""
    return (
        member.rank,
        member.state,
        member.instance_id,
        member.private_ip,
        member.market,
        member.instance_type,
        member.zone,
        member.generation,
    )
