"""`spawn status`: one array and its members, now or as they change."""

import asyncio
from datetime import datetime
from typing import Annotated

import msgspec
import typer

from cli.coming import what_comes
from cli.costs import with_details
from cli.flags import ArrayArgument, JsonFlag
from cli.lines import clean, format_local, ran_for
from cli.outcome import failed_members
from cli.plane import Plane, open_plane
from cli.render import note, put, put_json, put_table, redrawn
from cli.reports import ArrayReport, MemberReport, report_array, with_tails
from cli.verdict import tails_of
from cli.watching import watch_reports
from spawn.contracts.checkpoints import CheckpointState
from spawn.contracts.clouds import CloudReport
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import MemberState

COLUMNS = ("rank", "state", "instance", "ip", "market", "type", "zone", "generation", "exit")

_UNSAVED = {CheckpointState.WARNED, CheckpointState.FAILED}


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
        members = await plane.members_of(array.id)
        coming = what_comes(array, await plane.lease_of(array.id), plane.clock.now())
        tails = await tails_of(plane, failed_members(array, members))
        report = with_tails(report_array(array, members), tails)
        report = msgspec.structs.replace(report, coming=tuple(coming))
        if not array.state.is_over:
            cloud, cost = await plane.cloud_of(array.id), await plane.cost_of(array.id)
            report = msgspec.structs.replace(report, cloud=cloud, cost=cost)
            for line in doubts(cloud, now=plane.clock.now()):
                note(line)
    if as_json:
        put_json(report)
        return
    put(headline(report))
    for line in coming:
        put(line)
    put_table(COLUMNS, map(cells, report.members))
    for line in explain(report):
        put(line)


def doubts(cloud: CloudReport | None, *, now: datetime) -> list[str]:
    """Say why things may not stand as they are shown."""
    if cloud is None:
        return ["no launcher answers: this is how things stood when one last looked"]
    if cloud.answers and cloud.unlisted:
        unlisted = f"the cloud in {cloud.region} no longer lists ranks {cloud.unlisted}"
        return [f"{unlisted}: unless it does again they count as lost within minutes"]
    if cloud.answers:
        return []
    ago = f" for {ran_for(now - cloud.seen_at)}" if cloud.seen_at else ""
    silent = f"the cloud in {cloud.region} has not answered{ago}"
    return [f"{silent}, this is how things stood then: {cloud.reason}"]


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
    price = "" if report.cost is None else f", {with_details(report.cost)}"
    return (
        f"{report.name} ({report.array_id}) {report.shown_state}{because}\n"
        f"{report.ready} of {report.size} run in {report.region},"
        f" until {format_local(report.lease_until)}{price}"
    )


def cells(member: MemberReport) -> tuple[object, ...]:
    """Return a member's cells, in the order of `COLUMNS`."""
    return (
        member.rank,
        member.power or member.state,
        member.instance_id,
        member.private_ip,
        member.market,
        member.instance_type,
        member.zone,
        member.generation,
        member.exit_code,
    )


def explain(report: ArrayReport) -> list[str]:
    """Write which members end by themselves, why some failed, and what the first printed last."""
    lines: list[str] = []
    for member in report.members:
        if member.lease_until:
            ends = f"ends at {format_local(member.lease_until)}"
            lines.append(f"{report.name}-{member.rank} has its own lease: {ends}")
        if member.reason and (member.exit_code or member.state is MemberState.LOST):
            lines.append(clean(f"{report.name}-{member.rank}: {member.reason}"))
        if member.checkpoint in _UNSAVED:
            lines.append(clean(f"{report.name}-{member.rank}: {unsaved(member)}"))
        if member.tail:
            lines.append(f"{report.name}-{member.rank} ended with:")
            lines += (clean(f"  {line}") for line in member.tail.splitlines())
    return lines


def unsaved(member: MemberReport) -> str:
    """Write why a member's last checkpoint is none."""
    what = "fails" if member.checkpoint is CheckpointState.WARNED else "failed"
    return f"its checkpoint {what}: {member.checkpoint_reason}"
