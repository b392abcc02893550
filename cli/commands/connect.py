"""`spawn connect`: a shell on a member of an array."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from cli.completion import complete_array
from cli.exits import Usage
from cli.places import enter_program
from cli.plane import Plane, open_plane
from cli.render import note
from cli.ssh_config import Host, hosts_of, ssh_arguments
from cli.ssh_files import managed_file, write_config, write_keys
from cli.targets import check_ranks, member_at, split_target
from spawn.contracts.arrays import Array
from spawn.contracts.counts import counted
from spawn.contracts.members import Member
from spawn.errors import NotFound
from spawn.runtime.home import locate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("connect")(connect)


def connect(
    array: Annotated[
        str,
        typer.Argument(
            metavar="ARRAY[:RANK]",
            help="The array's name or id, and a member; 0 if left out.",
            autocompletion=complete_array,
        ),
    ],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="What to run in place of a shell."),
    ] = None,
    *,
    write: Annotated[
        bool,
        typer.Option(
            "--write-config",
            help="Only let ssh know all members by name, from now on: ssh training-3.",
        ),
    ] = False,
) -> None:
    """Open a shell on a member of an array.

    By ssh on AWS; directly on a machine of the laptop cloud. Once --write-config was given, each
    connection brings what ssh knows up to date.
    """
    name, ranks = split_target(array)
    if len(ranks) > 1:
        raise Usage(f"{array}: name one rank")
    argv = asyncio.run(_prepare(name, ranks[0] if ranks else 0, command or [], write=write))
    if argv:
        os.execv(argv[0], argv)  # noqa: S606 - the shell takes this process's place


async def _prepare(name: str, rank: int, command: list[str], *, write: bool) -> list[str]:
    """Return what to run in place of this process; nothing when only files were to be written."""
    async with open_plane() as plane:
        array = await plane.find(name)
        check_ranks(array.name, array.size, [rank])
        members = await plane.members_of(array.id)
        if write or managed_file(Path.home()).exists():
            hosts = await _living_hosts(plane)
            path = write_config(Path.home(), hosts)
            note(
                f"ssh knows {counted(len(hosts), 'member')} by {path}, such as {array.name}-{rank}"
            )
    if write:
        return []
    member = member_at(array.name, members, rank)
    inside = enter_program(member.instance.id)
    return [str(inside), *command] if inside else _ssh(array, member, command)


async def _living_hosts(plane: Plane) -> list[Host]:
    arrays = [each for each in await plane.all_arrays() if not each.state.is_over]
    return [host for array in arrays for host in hosts_of(array, await plane.members_of(array.id))]


def _ssh(array: Array, member: Member, command: list[str]) -> list[str]:
    program = shutil.which("ssh")
    if program is None:
        raise NotFound("ssh is not installed here")
    hosts = hosts_of(array, [member])
    if not hosts:
        raise NotFound(f"{array.name}-{member.rank} has no address yet")
    known = write_keys(locate().root / "ssh", array.id, hosts)
    return [program, *ssh_arguments(hosts[0], known), *command]
