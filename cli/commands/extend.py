"""`spawn extend`: change when an array or a member ends, and see that its machines know."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from cli.completion import complete_array
from cli.exits import Ended, Exit, Usage
from cli.instants import NewEnd, read_end
from cli.lines import format_local
from cli.plane import Plane, open_plane, within
from cli.render import note
from cli.requesting import until_granted
from cli.targets import check_ranks, split_target
from spawn.bus.identity import new_id
from spawn.clock import SystemClock
from spawn.contracts.arrays import Array
from spawn.contracts.counts import counted
from spawn.contracts.events import LeaseSet
from spawn.contracts.ids import InstanceId
from spawn.contracts.lease_records import SUBJECT_EXTEND, Extend
from spawn.contracts.members import Member
from spawn.contracts.ranks import format_ranks
from spawn.errors import NotFound

_PATIENCE = timedelta(seconds=10)
"""How long the TTL service may take to answer, and then the machines."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extend")(extend)


def extend(
    array: Annotated[
        str,
        typer.Argument(
            metavar="ARRAY[:RANK]",
            help="The array's name or id; with a rank that member alone.",
            autocompletion=complete_array,
        ),
    ],
    when: Annotated[
        str,
        typer.Argument(metavar="[WHEN]", help="+2h adds to the lease; 2h: from now."),
    ] = "",
    *,
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", help="Time of day here, e.g. 18:00.")
    ] = "",
    at: Annotated[
        str, typer.Option("--at", metavar="INSTANT", help="Instant, e.g. 2026-12-01T00:00Z.")
    ] = "",
) -> None:
    """Change when an array ends, or one of its members.

    Waits until every machine has armed the new end, and exits 1 naming those that have not. A
    member that was given its own end keeps it when its array's changes.
    """
    name, ranks = split_target(array)
    if len(ranks) > 1:
        raise Usage(f"{array}: name one rank")
    end = read_end(when, until=until, at=at, now=SystemClock().now())
    asyncio.run(_extend(name, ranks[0] if ranks else None, end))


async def _extend(name: str, rank: int | None, end: NewEnd) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        if rank is not None:
            check_ranks(array.name, array.size, [rank])
        granted = await _ask(plane, array, rank, end)
        before = format_local(granted.before) if granted.before else "unknown"
        what = array.name if rank is None else f"{array.name}:{rank}"
        note(f"{what} ends at {format_local(granted.lease.until)}; before: {before}")
        own = await _own_ranks(plane, array)
        if rank is None and own:
            note(f"ranks {format_ranks(own)} keep the ends that they were given")
        chosen = {rank} if rank is not None else set(range(array.size)) - own
        await _until_armed(plane, array, chosen, granted)


async def _own_ranks(plane: Plane, array: Array) -> set[int]:
    """Return the ranks that have a lease of their own."""
    try:
        return set((await plane.leases.get(array.id)).value.own)
    except NotFound:
        # It has ended meanwhile.
        return set()


async def _ask(plane: Plane, array: Array, rank: int | None, end: NewEnd) -> LeaseSet:
    """Ask for the change; return what was granted, or raise why it was not."""
    request_id = new_id()
    wanted = Extend(
        request_id=request_id,
        array_id=array.id,
        rank=rank,
        add_seconds=int(end.add.total_seconds()) if end.add else 0,
        until=end.until,
        not_after=plane.clock.now() + _PATIENCE,
    )
    send = partial(plane.commands.send, SUBJECT_EXTEND, wanted, message_id=f"extend:{request_id}")
    try:
        async with (
            within(_PATIENCE),
            aclosing(plane.follow(array.id, from_first=False)) as items,
        ):
            return await until_granted(items, send, request_id, LeaseSet)
    except TimeoutError as error:
        raise Ended(
            Exit.TIMED_OUT,
            f"nobody has answered: `spawn leases` shows when {array.name} ends, and"
            " `spawn doctor` what is wrong",
        ) from error


async def _until_armed(plane: Plane, array: Array, ranks: set[int], granted: LeaseSet) -> None:
    """Wait until the ranks' machines have armed the instant; raise `Ended` naming the others."""
    boots = array.placement is not None and array.placement.boot is not None
    members = await plane.members_of(array.id) if boots else []
    waiting = {
        each.instance.id: each.rank
        for each in members
        # One that is off arms it when it is started.
        if each.rank in ranks and not _is_off(each)
    }
    total = len(waiting)
    try:
        async with within(_PATIENCE):
            await _strike_off(plane, array, waiting, granted)
    except TimeoutError as error:
        named = ", ".join(sorted(waiting))
        raise Ended(
            Exit.FAILED,
            f"ranks {format_ranks(waiting.values())} have not said that they know and may still"
            f" end at the old instant: {named}",
        ) from error
    if total:
        note(f"armed by {counted(total, 'machine')}")


def _is_off(member: Member) -> bool:
    return member.is_over or member.is_stopped or member.instance.state.is_going


async def _strike_off(
    plane: Plane, array: Array, waiting: dict[InstanceId, int], granted: LeaseSet
) -> None:
    """Take those from `waiting` that have armed what was granted, until there is nobody left."""
    if not waiting:
        return
    async with aclosing(plane.heartbeats(array.id)) as heartbeats:
        async for said in heartbeats:
            armed = said.report.armed_lease
            if armed is not None and _knows(granted, armed.replace(microsecond=0)):
                waiting.pop(said.instance_id, None)
            if not waiting:
                return


def _knows(granted: LeaseSet, armed: datetime) -> bool:
    """Say whether a machine that has armed this no longer ends at the old instant."""
    until = granted.lease.until.replace(microsecond=0)
    is_longer = granted.before is not None and granted.before < granted.lease.until
    # Somebody may have been granted more in the meantime.
    return armed == until or (is_longer and armed > until)
