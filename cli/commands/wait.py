"""`spawn wait`: return when an array is ready, its job has ended, or it is gone."""

import asyncio
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from cli.display import displayed
from cli.exits import Ended, Exit
from cli.flags import ArrayArgument, TimeoutFlag, parse_flag_duration
from cli.following import Watch, is_finished, is_over, is_ready, where_it_stands
from cli.plane import open_plane, within
from cli.render import note
from cli.verdict import judge


class Goal(StrEnum):
    """What can be waited for."""

    READY = "ready"
    FINISHED = "finished"
    TERMINATED = "terminated"


_REACHED = {Goal.READY: is_ready, Goal.FINISHED: is_finished, Goal.TERMINATED: is_over}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("wait")(wait)


def wait(
    array: ArrayArgument,
    *,
    goal: Annotated[Goal, typer.Option("--for", help="What to wait for.")] = Goal.READY,
    timeout: TimeoutFlag = "",
) -> None:
    """Wait until an array is ready, its job has ended, or it is gone.

    Waiting for the end of a job exits 1 unless it succeeded.
    """
    patience = parse_flag_duration("--timeout", timeout)
    asyncio.run(_wait(array, goal=goal, patience=patience))


async def _wait(name: str, *, goal: Goal, patience: timedelta | None) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        with displayed(array.name, plane.clock) as display:
            watch = Watch(plane, array, display)
            try:
                async with within(patience):
                    await watch.until(_REACHED[goal])
            except TimeoutError as error:
                stands = where_it_stands(array.name, watch.progress)
                raise Ended(Exit.TIMED_OUT, f"--timeout is over: {stands}") from error
        if goal is Goal.FINISHED:
            await judge(plane, array.id)
            return
    if goal is Goal.READY and is_over(watch.progress):
        raise Ended(Exit.FAILED, f"{array.name} {watch.progress.state}: {watch.progress.reason}")
    note(where_it_stands(array.name, watch.progress))
