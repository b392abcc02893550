"""`spawn iam`: what machines may be allowed, and the roles that were made for it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli import iam_tables as tables
from cli.asking import confirm
from cli.exits import Ended, Exit, Usage
from cli.flags import JsonFlag, YesFlag
from cli.granting import in_arguments, lint_file, look_up, realm_of, work_out
from cli.launch_flags import (
    IamManagedPolicies,
    IamPolicyFile,
    read_permissions,
    read_text,
    refuse_empty,
)
from cli.launch_permissions import warning
from cli.places import region_around
from cli.plane import Plane, open_plane
from cli.render import note, put, put_json, put_table
from spawn.contracts.grants import (
    API_COLLECT,
    Caution,
    CollectedGrants,
    CollectGrants,
    Grant,
    Permissions,
)
from spawn.permissions.auditing import is_installed
from spawn.permissions.cautions import ADVICE
from spawn.permissions.templates import services

Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="For example s3:ReadOnly:my-bucket,logs:WriteOnly.")
]
Region = Annotated[
    str, typer.Option(metavar="REGION", help="What ARNs are completed with; AWS_REGION if unset.")
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        name="iam",
        help="Show what machines may be allowed in AWS, and the roles made for it.",
        no_args_is_help=True,
    )
    for command in (templates, show, lint):
        group.command(command.__name__)(command)
    group.command("list")(list_grants)
    group.command("gc")(collect)
    app.add_typer(group)


def templates(
    service: Annotated[
        str, typer.Argument(metavar="[SERVICE]", help="For example s3; all if left out.")
    ] = "",
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show services, levels and resources that can be granted."""
    known = services()
    if service and service.lower() not in known:
        raise Usage(f"SERVICE {service!r}: use one of {', '.join(known)}")
    chosen = {service.lower(): known[service.lower()]} if service else known
    if as_json:
        put_json(chosen)
    elif service:
        tables.put_service(service.lower())
    else:
        put_table(tables.SERVICES, tables.service_rows())
        note("what a level allows: spawn iam templates SERVICE")


def show(  # noqa: PLR0913 - a parameter for each flag
    spec: Spec = "",
    *,
    iam_managed_policies: IamManagedPolicies = None,
    iam_policy_file: IamPolicyFile = None,
    region: Region = "",
    account: Annotated[
        str,
        typer.Option(
            metavar="NUMBER", help="Work it out for this account, without a control plane."
        ),
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show the policy document that would be granted, and how large it is."""
    said = read_permissions([spec] if spec else None, iam_managed_policies, None, iam_policy_file)
    permissions = Permissions(**said)
    chosen = region or region_around()
    with in_arguments():
        found = None if account else look_up(permissions, chosen)
        description = found or work_out(permissions, realm_of(chosen, account))
    if as_json:
        put_json(description)
        return
    tables.put_description(description)
    for line in tables.missing(description.document):
        note(line)


def lint(
    spec: Annotated[str, typer.Argument(metavar="FILE|SPEC", help="A policy as JSON, or a SPEC.")],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when there are any.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what is wrong with permissions, or wider than it need be."""
    found = _findings(spec)
    if as_json:
        for each in found:
            put_json(each)
    else:
        for each in found:
            put(warning(each))
        if not found:
            note("nothing to say")
    if strict and any(each.code not in ADVICE for each in found):
        raise Ended(Exit.REJECTED, f"{spec}: wider than it need be")


def _findings(spec: str) -> tuple[Caution, ...]:
    path = Path(spec)
    if path.suffix == ".json" or path.is_file():
        if not is_installed():
            note("names of actions are not checked: `pip install 'spawn[lint]'` lets them be")
        return lint_file(path, read_text("FILE", f"@{spec}"))
    refuse_empty("SPEC", (spec,))
    permissions = Permissions(policies=(spec,))
    with in_arguments():
        return work_out(permissions, realm_of(region_around(), "")).warnings


def list_grants(*, as_json: JsonFlag = False) -> None:
    """List the roles that were made, and what they allow."""
    grants = asyncio.run(_grants())
    if as_json:
        for grant in grants:
            put_json(grant)
    elif grants:
        put_table(tables.GRANTS, map(tables.grant_cells, grants))
    else:
        note("no role was made yet")


async def _grants() -> list[Grant]:
    async with open_plane() as plane:
        found = [entry.value for entry in (await plane.grants.load("*")).values()]
    return sorted(found, key=lambda grant: grant.role)


def collect(
    *,
    now: Annotated[bool, typer.Option("--now", help="Without waiting for their grace.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete the roles that no array and no instance uses."""
    asyncio.run(_collect(CollectGrants(now=now, dry_run=dry_run), yes=yes, as_json=as_json))


async def _collect(wanted: CollectGrants, *, yes: bool, as_json: bool) -> None:
    async with open_plane() as plane:
        report = await _ask(plane, CollectGrants(now=wanted.now, dry_run=True))
        if not as_json:
            tables.put_collected(report)
        if report.removed and not wanted.dry_run:
            await confirm(f"Delete {len(report.removed)} roles?", yes=yes)
            report = await _ask(plane, wanted)
            note(f"{len(report.removed)} deleted")
    if as_json:
        put_json(report)


async def _ask(plane: Plane, body: CollectGrants) -> CollectedGrants:
    return await plane.slow_requests.ask(API_COLLECT, body, CollectedGrants)
