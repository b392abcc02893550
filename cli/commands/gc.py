"""`spawn gc`: instances of this deployment that no array accounts for."""

import asyncio
from typing import Annotated

import typer

from cli.asking import confirm
from cli.flags import JsonFlag, YesFlag
from cli.plane import Plane, open_plane
from cli.render import note, put_json, put_table
from spawn.contracts.counts import counted
from spawn.contracts.launches import API_COLLECT, CollectReport, CollectRequest, Finding

COLUMNS = ("instance", "region", "array", "verdict", "reason")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gc")(collect)


def collect(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Find instances that no array accounts for, and end them."""
    asyncio.run(_collect(dry_run=dry_run, yes=yes, as_json=as_json))


async def _collect(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    async with open_plane() as plane:
        report = await _ask(plane, dry_run=True)
        ending = count(report, "end")
        if not as_json:
            show(report)
        if not dry_run and report.findings:
            await confirm(f"End {counted(ending, 'instance')}?", yes=yes or not ending)
            report = await _ask(plane, dry_run=False)
            note(f"{count(report, 'end')} ended, {count(report, 'adopt')} adopted")
    if as_json:
        put_json(report)


async def _ask(plane: Plane, *, dry_run: bool) -> CollectReport:
    return await plane.requests.ask(API_COLLECT, CollectRequest(dry_run=dry_run), CollectReport)


def count(report: CollectReport, verdict: str) -> int:
    """Count the findings with this verdict."""
    return sum(finding.verdict == verdict for finding in report.findings)


def show(report: CollectReport) -> None:
    """Write a report for people."""
    if not report.findings:
        note("every instance is accounted for")
        return
    put_table(COLUMNS, map(cells, report.findings))


def cells(finding: Finding) -> tuple[object, ...]:
    """Return a finding's cells, in the order of `COLUMNS`."""
    return (
        finding.instance_id,
        finding.region,
        finding.array_id,
        finding.verdict,
        finding.reason,
    )
