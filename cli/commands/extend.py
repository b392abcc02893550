"""`spawn extend`: change when an array ends, and see that its machines know."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.exits import Ended, Exit
from cli.flags import ArrayArgument
from cli.instants import NewEnd, read_end
from cli.lines import format_local
from cli.plane import Plane, open_plane, within
from cli.render import note
from spawn.bus.identity import new_id
from spawn.bus.ports import CaughtUp
from spawn.clock import SystemClock
from spawn.contracts.arrays import Array
from spawn.contracts.counts import counted
from spawn.contracts.events import LeaseRefused, LeaseSet
from spawn.contracts.ids import InstanceId
from spawn.contracts.lease_records import SUBJECT_EXTEND, Extend
from spawn.contracts.ranks import format_ranks
from spawn.errors import Rejected

_PATIENCE = timedelta(seconds=10)
"""How long the TTL service may take to answer, and then the machines."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extend")(extend)


def extend(
    array: ArrayArgument,
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
    """Change when an array ends.

    Waits until every machine has armed the new end, and exits 1 naming those that have not.
    """
    end = read_end(when, until=until, at=at, now=SystemClock().now())
    asyncio.run(_extend(array, end))


async def _extend(name: str, end: NewEnd) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        granted = await _ask(plane, array, end)
        before = format_local(granted.before) if granted.before else "unknown"
        note(f"{array.name} ends at {format_local(granted.lease.until)}; before: {before}")
        await _until_armed(plane, array, granted.lease.until)


async def _ask(plane: Plane, array: Array, end: NewEnd) -> LeaseSet:
    """Ask for the change; return what was granted, or raise why it was not."""
    request_id = new_id()
    wanted = Extend(
        request_id=request_id,
        array_id=array.id,
        add_seconds=int(end.add.total_seconds()) if end.add else 0,
        until=end.until,
        not_after=plane.clock.now() + _PATIENCE,
    )
    try:
        async with (
            within(_PATIENCE),
            aclosing(plane.follow(array.id, from_first=False)) as items,
        ):
            async for item in items:
                if isinstance(item, CaughtUp):
                    await plane.commands.send(
                        SUBJECT_EXTEND, wanted, message_id=f"extend:{request_id}"
                    )
                    continue
                match item.event.data:
                    case LeaseSet(request_id=answered) as granted if answered == request_id:
                        return granted
                    case LeaseRefused(request_id=answered, message=why) if answered == request_id:
                        raise Rejected(why)
                    case _:
                        pass
    except TimeoutError as error:
        raise Ended(
            Exit.TIMED_OUT,
            f"nobody has answered: `spawn leases` shows when {array.name} ends, and"
            " `spawn doctor` what is wrong",
        ) from error
    raise AssertionError("events are followed until they are closed")


async def _until_armed(plane: Plane, array: Array, until: datetime) -> None:
    """Wait until every machine has armed the instant; raise `Ended` naming those that haven't."""
    boots = array.placement is not None and array.placement.boot is not None
    members = await plane.members_of(array.id) if boots else []
    waiting = {
        each.instance.id: each.rank
        for each in members
        if not each.is_over and not each.instance.state.is_going
    }
    total = len(waiting)
    try:
        async with within(_PATIENCE):
            await _strike_off(plane, array, waiting, until.replace(microsecond=0))
    except TimeoutError as error:
        named = ", ".join(sorted(waiting))
        raise Ended(
            Exit.FAILED,
            f"ranks {format_ranks(waiting.values())} have not said that they know and may still"
            f" end at the old instant: {named}",
        ) from error
    if total:
        note(f"armed by {counted(total, 'machine')}")


async def _strike_off(
    plane: Plane, array: Array, waiting: dict[InstanceId, int], until: datetime
) -> None:
    """Take those from `waiting` that have armed the instant, until there is nobody left."""
    if not waiting:
        return
    async with aclosing(plane.heartbeats(array.id)) as heartbeats:
        async for said in heartbeats:
            armed = said.report.armed_lease
            if armed is not None and armed.replace(microsecond=0) == until:
                waiting.pop(said.instance_id, None)
            if not waiting:
                return
