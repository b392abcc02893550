"""`spawn exec`: a command on members of an array, beside their job."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated

import typer

from cli.answers import Answers, JsonAnswers, TextAnswers
from cli.exits import Ended, Exit, Usage
from cli.flags import JsonFlag, MembersArgument, PlainFlag, parse_flag_duration
from cli.output import Prefix
from cli.plane import Plane, open_plane, within
from cli.render import is_coloured
from cli.targets import check_ranks, split_target
from spawn.bus.beside import beside
from spawn.bus.ports import Followed
from spawn.contracts.arrays import Array
from spawn.contracts.assignments import API_EXEC, LONGEST_EXEC, ExecRequest, ExecStarted
from spawn.contracts.counts import some_of
from spawn.contracts.durations import format_duration
from spawn.contracts.events import InstanceTerminated
from spawn.contracts.ids import InstanceId
from spawn.contracts.ranks import format_ranks

_DEFAULT = timedelta(minutes=1)
_GRACE = timedelta(seconds=30)
"""How long a machine that was cut off may take to say that its command has ended."""

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("exec")(execute)


def execute(
    array: MembersArgument,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")
    ],
    *,
    timeout: Annotated[
        str,
        typer.Option(metavar="DURATION", help="How long it may take: 1m if left out, 1h at most."),
    ] = "",
    plain: PlainFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a command on members of an array, beside their job.

    Exits 0 when it did so everywhere, else 1. The command has no input, and what it has begun
    ends with it.
    """
    name, ranks = split_target(array)
    limit = parse_flag_duration("--timeout", timeout) or _DEFAULT
    if limit > LONGEST_EXEC:
        raise Usage(f"--timeout {timeout}: use {format_duration(LONGEST_EXEC)} at most")

    async def run() -> None:
        async with open_plane() as plane:
            found = await plane.find(name)
            check_ranks(found.name, found.size, ranks)
            prefix = Prefix(found.name, wanted=not plain, coloured=is_coloured())
            shown = JsonAnswers() if as_json else TextAnswers(prefix)
            request = ExecRequest(
                array_id=found.id,
                argv=tuple(command),
                ranks=ranks,
                timeout_seconds=int(limit.total_seconds()),
            )
            started = await plane.requests.ask(API_EXEC, request, ExecStarted)
            answers = Answers(started.ranks, shown)
            await _collect(plane, found, started.exec_id, answers, limit=limit)
            _conclude(found.name, answers)

    try:
        asyncio.run(run())
    except KeyboardInterrupt as error:
        raise Ended(
            Exit.DETACHED,
            f"detached: what has begun goes on, for {format_duration(limit)} at most",
        ) from error


async def _collect(
    plane: Plane, array: Array, exec_id: str, answers: Answers, *, limit: timedelta
) -> None:
    ranks = {each.instance.id: each.rank for each in await plane.members_of(array.id)}
    try:
        async with (
            within(limit + _GRACE),
            beside(_see_ended(plane, array, ranks, answers)),
            aclosing(plane.answers(array.id, exec_id)) as items,
        ):
            async for said in items:
                if said.instance_id in ranks:
                    answers.take(ranks[said.instance_id], said.report)
                if not answers.left:
                    return
    except TimeoutError as error:
        silent = format_ranks(answers.left)
        raise Ended(
            Exit.TIMED_OUT, f"ranks {silent} of {array.name} have not said how it ended"
        ) from error


async def _see_ended(
    plane: Plane, array: Array, ranks: Mapping[InstanceId, int], answers: Answers
) -> None:
    """Take note of machines that end; raise `Ended` when nobody is left to answer."""
    # From the first event: one that ends before we listen is not told of again.
    async with aclosing(plane.follow(array.id, from_first=True)) as items:
        async for item in items:
            if not isinstance(item, Followed):
                continue
            said = item.event.data
            if isinstance(said, InstanceTerminated) and said.instance.id in ranks:
                answers.lose(ranks[said.instance.id])
            if answers.lost and not answers.left:
                _conclude(array.name, answers)


def _conclude(name: str, answers: Answers) -> None:
    exits = sorted(answers.codes.items())
    failed = [f"{name}-{rank} exited with {code}" for rank, code in exits if code]
    failed += [f"{name}-{rank} is gone: its machine has ended" for rank in sorted(answers.lost)]
    if failed:
        raise Ended(Exit.FAILED, some_of(failed, _SHOWN))
