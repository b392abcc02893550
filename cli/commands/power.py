"""`spawn stop`, `start` and `hibernate`: machines go off and come back, their lease goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Annotated

import msgspec
import typer

from cli.asking import confirm
from cli.exits import Ended, Exit
from cli.flags import MembersArgument, TimeoutFlag, YesFlag, parse_flag_duration
from cli.plane import Plane, open_plane, within
from cli.render import note
from cli.requesting import until_granted
from cli.targets import check_ranks, split_target
from spawn.bus.identity import new_id
from spawn.bus.ports import CaughtUp, Followed
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    ArrayFailed,
    ArrayTerminated,
    PowerAsked,
    PowerSettled,
)
from spawn.contracts.power import SUBJECT_POWER, Power, PowerTo
from spawn.contracts.ranks import format_ranks, parse_ranks

_PATIENCE = timedelta(seconds=10)
"""How long the launcher may take to answer."""

NoWait = Annotated[bool, typer.Option("--no-wait", help="Return once it is recorded.")]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, and how far it is watched."""

    target: str
    to: PowerTo
    verb: str
    yes: bool = True
    wait: bool = True
    patience: timedelta | None = None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("stop")(stop)
    app.command("start")(start)
    app.command("hibernate")(hibernate)


def stop(
    array: MembersArgument,
    *,
    yes: YesFlag = False,
    no_wait: NoWait = False,
    timeout: TimeoutFlag = "",
) -> None:
    """Stop machines: they keep their disk, and their lease goes on.

    What runs on them ends, and is not begun again when they are started, but for a command that
    has --retries left.
    """
    patience = parse_flag_duration("--timeout", timeout)
    _carry_out(
        Wish(
            target=array,
            to=PowerTo.STOPPED,
            verb="stop",
            yes=yes,
            wait=not no_wait,
            patience=patience,
        )
    )


def start(array: MembersArgument, *, no_wait: NoWait = False, timeout: TimeoutFlag = "") -> None:
    """Start machines that are stopped or hibernated."""
    patience = parse_flag_duration("--timeout", timeout)
    _carry_out(
        Wish(target=array, to=PowerTo.RUNNING, verb="start", wait=not no_wait, patience=patience)
    )


def hibernate(
    array: MembersArgument,
    *,
    yes: YesFlag = False,
    no_wait: NoWait = False,
    timeout: TimeoutFlag = "",
) -> None:
    """Stop machines and keep their memory, for what runs to go on when they are started.

    They have to be launched with --hibernate. Exits 1 when some have been stopped without.
    """
    patience = parse_flag_duration("--timeout", timeout)
    _carry_out(
        Wish(
            target=array,
            to=PowerTo.HIBERNATED,
            verb="hibernate",
            yes=yes,
            wait=not no_wait,
            patience=patience,
        )
    )


def _carry_out(wish: Wish) -> None:
    try:
        asyncio.run(_ask(wish))
    except KeyboardInterrupt as error:
        name = wish.target.partition(":")[0]
        raise Ended(
            Exit.DETACHED,
            f"detached: what was asked for goes on; see it with: spawn status {name} -f",
        ) from error


async def _ask(wish: Wish) -> None:
    name, ranks = split_target(wish.target)
    async with open_plane() as plane:
        array = await plane.find(name)
        check_ranks(array.name, array.size, ranks)
        which = f"ranks {format_ranks(ranks)} of {array.name}" if ranks else array.name
        if array.has_job and array.state is not ArrayState.FINISHED:
            loses = "ends" if wish.to is PowerTo.STOPPED else "waits meanwhile"
            await confirm(
                f"{wish.verb} {which} ({array.id})? Its job {loses} there.", yes=wish.yes
            )
        wanted = Power(
            request_id=new_id(),
            array_id=array.id,
            to=wish.to,
            ranks=format_ranks(ranks),
            reason=f"asked for by spawn {wish.verb}",
            not_after=plane.clock.now() + _PATIENCE,
        )
        async with aclosing(plane.follow(array.id, from_first=False)) as items:
            asked = await _until_asked(plane, array, wanted, items)
            note(f"ranks {asked.ranks} of {array.name} are to be {wish.to}")
            if wish.wait:
                await _until_settled(array, wanted, items, wish.patience)


async def _until_asked(
    plane: Plane, array: Array, wanted: Power, items: AsyncGenerator[CaughtUp | Followed]
) -> PowerAsked:
    """Send the request; return once it is recorded, or raise why it is not."""
    send = partial(
        plane.commands.send, SUBJECT_POWER, wanted, message_id=f"power:{wanted.request_id}"
    )
    try:
        async with within(_PATIENCE):
            return await until_granted(items, send, wanted.request_id, PowerAsked)
    except TimeoutError as error:
        raise Ended(
            Exit.TIMED_OUT,
            f"nobody has answered: `spawn status {array.name}` shows what is off, and"
            " `spawn doctor` what is wrong",
        ) from error


async def _until_settled(
    array: Array,
    wanted: Power,
    items: AsyncGenerator[CaughtUp | Followed],
    patience: timedelta | None,
) -> None:
    try:
        async with within(patience):
            async for item in items:
                if not isinstance(item, Followed):
                    continue
                match item.event.data:
                    case PowerSettled(request_id=answered) as settled if (
                        answered == wanted.request_id
                    ):
                        _conclude(array, settled)
                        return
                    case ArrayTerminated(reason=why) | ArrayFailed(reason=why):
                        raise Ended(Exit.FAILED, f"{array.name} has ended: {why}")
                    case _:
                        pass
    except TimeoutError as error:
        raise Ended(
            Exit.TIMED_OUT, f"--timeout is over: {array.name} is not yet {wanted.to}; it goes on"
        ) from error


def _conclude(array: Array, settled: PowerSettled) -> None:
    done = set(parse_ranks(settled.ranks)) - set(parse_ranks(settled.fell_back))
    if done:
        note(f"ranks {format_ranks(done)} of {array.name} are {settled.to}")
    problems: list[str] = []
    if settled.fell_back:
        problems.append(
            f"ranks {settled.fell_back} fell back to a stop: their memory is lost, their disk kept"
        )
    if settled.left:
        problems.append(f"ranks {settled.left} are not {settled.to}: {settled.reason}")
    if problems:
        raise Ended(Exit.FAILED, "; ".join(problems))
