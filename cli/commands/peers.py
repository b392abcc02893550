"""`spawn peers`: where the members of an array are."""

import asyncio
import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from cli.exits import Ended, Exit
from cli.flags import ArrayArgument, JsonFlag
from cli.plane import open_plane
from cli.render import note, put, put_json, put_table
from spawn.bus.pages import ask_pages
from spawn.contracts.arrays import Array
from spawn.contracts.assignments import API_ROSTER, Peers, RosterRequest, master_port
from spawn.contracts.ranks import format_ranks
from spawn.errors import NotFound

COLUMNS = ("rank", "instance", "ip", "dns", "slots")


class Format(StrEnum):
    """How peers are written."""

    TABLE = "table"
    JSON = "json"
    HOSTFILE = "hostfile"
    ENV = "env"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("peers")(peers)


def peers(
    array: ArrayArgument,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="As the peers file, for MPI, or for a shell.")
    ] = Format.TABLE,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also while members are missing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show where the members of an array are.

    Exits 1, and shows nothing, while members are missing that are still expected; machines that
    have ended are left out.
    """
    found, roster = asyncio.run(_ask(array))
    roster = _alive(found, roster)
    if not roster.complete:
        said = f"{len(roster.peers)} of {found.size} members of {found.name} have said hello"
        if not partial:
            raise Ended(Exit.FAILED, f"{said}; show those with --partial")
        note(said)
    match Format.JSON if as_json else form:
        case Format.TABLE:
            put_table(COLUMNS, rows(roster))
        case Format.JSON:
            put_json(entries(roster))
        case Format.HOSTFILE:
            put_lines(hosts(roster))
        case Format.ENV:
            exports = variables(found, roster)
            put_lines([f"export {name}={shlex.quote(value)}" for name, value in exports.items()])


async def _ask(name: str) -> tuple[Array, Peers]:
    async with open_plane() as plane:
        array = await plane.find(name)

        async def page(number: int) -> Peers:
            request = RosterRequest(array_id=array.id, page=number)
            return await plane.requests.ask(API_ROSTER, request, Peers)

        return array, await ask_pages(page)


def _alive(array: Array, roster: Peers) -> Peers:
    """Leave out who has no address any more; raise `NotFound` when that is everybody."""
    there = tuple(each for each in roster.peers if each.ip)
    if roster.peers and not there:
        raise NotFound(f"{array.name} has no machine any more: it is {array.state}")
    ended = {each.index for each in roster.peers} - {each.index for each in there}
    if ended:
        note(f"ranks {format_ranks(ended)} of {array.name} have ended")
    return msgspec.structs.replace(roster, peers=there)


def put_lines(lines: list[str]) -> None:
    """Write lines on stdout, if there are any."""
    if lines:
        put("\n".join(lines))


def rows(roster: Peers) -> list[tuple[object, ...]]:
    """Return the cells of each peer, in the order of `COLUMNS`."""
    return [
        (each.index, each.instance_id, each.ip, each.dns, each.facts.slots if each.facts else 1)
        for each in roster.peers
    ]


def entries(roster: Peers) -> list[dict[str, object]]:
    """Return the peers as the file on the machines has them."""
    return [
        {
            "index": each.index,
            "instance_id": each.instance_id,
            "ip": each.ip,
            "dns": each.dns,
        }
        for each in roster.peers
    ]


def hosts(roster: Peers) -> list[str]:
    """Return a line a host, with its slots, as Open MPI takes them."""
    return [
        f"{each.ip} slots={max(each.facts.slots, 1) if each.facts else 1}" for each in roster.peers
    ]


def variables(array: Array, roster: Peers) -> Mapping[str, str]:
    """Return what a job's environment says of its array, but of no member.

    Members meet at the first of them, which is rank 0 unless that was lost before its hello.
    """
    first = next((each.ip for each in roster.peers if roster.complete or each.index == 0), "")
    return {
        "JOB_ARRAY_ID": array.id,
        "JOB_ARRAY_NAME": array.name,
        "JOB_ARRAY_SIZE": str(roster.size),
        "JOB_ARRAY_HOSTS": " ".join(each.ip for each in roster.peers),
        **({"MASTER_ADDR": first} if first else {}),
        "MASTER_PORT": str(master_port(array.id)),
    }
