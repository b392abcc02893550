"""`spawn terminate`: end an array and all its instances."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from cli.asking import confirm
from cli.display import displayed
from cli.exits import Ended, Exit
from cli.flags import ArrayArgument, TimeoutFlag, YesFlag, parse_flag_duration
from cli.following import Watch, is_over
from cli.plane import Plane, open_plane, within
from cli.progress import Progress
from cli.render import note
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.counts import counted
from spawn.contracts.launches import SUBJECT_TERMINATE, Terminate

_SHOWN = 5
"""Instances that are left, named in a message."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("terminate")(terminate)


def terminate(
    array: ArrayArgument,
    *,
    yes: YesFlag = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once.")] = False,
    timeout: TimeoutFlag = "",
) -> None:
    """End an array and all its instances."""
    patience = parse_flag_duration("--timeout", timeout)
    try:
        asyncio.run(_terminate(array, yes=yes, wait=not no_wait, patience=patience))
    except KeyboardInterrupt as error:
        raise Ended(
            Exit.DETACHED,
            "detached: what was asked for goes on;"
            f" see it with: spawn wait {array} --for terminated",
        ) from error


async def _terminate(name: str, *, yes: bool, wait: bool, patience: timedelta | None) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        if array.state.is_over:
            note(f"{array.name} ({array.id}) is {array.state} already")
            return
        await confirm(
            f"End {array.name} ({array.id}) and its {counted(array.size, 'instance')}?", yes=yes
        )
        if not wait:
            await _send(plane, array)
            note(f"{array.name} is being terminated")
            return
        await _end(plane, array, patience)


async def _send(plane: Plane, array: Array) -> None:
    """Ask for the end of an array."""
    body = Terminate(
        array_id=array.id,
        reason="asked for by spawn terminate",
    )
    digest = hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]
    await plane.commands.send(SUBJECT_TERMINATE, body, message_id=f"terminate:{array.id}:{digest}")


async def _end(plane: Plane, array: Array, patience: timedelta | None) -> None:
    """Ask for the end of an array and watch until nothing of it is left."""
    with displayed(array.name, plane.clock) as display:
        watch = Watch(plane, array, display)

        async def begin() -> None:
            await _send(plane, array)
            watch.progress.state = ArrayState.TERMINATING

        try:
            async with within(patience):
                await watch.until(is_over, begin=begin)
        except TimeoutError as error:
            raise Ended(Exit.TIMED_OUT, f"--timeout is over: {_left(watch.progress)}") from error
    note(f"{array.name} is {watch.progress.state}: nothing of it is left")


def _left(progress: Progress) -> str:
    left = progress.left
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return f"{counted(len(left), 'instance')} left: {', '.join(left[:_SHOWN])}{more}"
