"""`spawn checkpoint`: run the checkpoint script now, and see how it ends."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

import msgspec
import typer

from cli.exits import Ended, Exit
from cli.flags import JsonFlag, MembersArgument
from cli.plane import Plane, open_plane, within
from cli.render import note, put, put_json
from cli.targets import check_ranks, split_target
from spawn.bus.ports import Followed
from spawn.contracts.arrays import Array
from spawn.contracts.checkpoints import (
    API_CHECKPOINT,
    TIMEOUT,
    CheckpointAsked,
    CheckpointRequest,
    CheckpointState,
)
from spawn.contracts.counts import some_of
from spawn.contracts.durations import parse_duration
from spawn.contracts.events import (
    CheckpointFailed,
    CheckpointFinished,
    Data,
)
from spawn.contracts.ranks import format_ranks

_GRACE = timedelta(seconds=30)
"""How long a machine may take, beyond the script's time, to say how it has ended."""

_SHOWN = 10
_MOST_TAILS = 3


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one member's checkpoint has ended."""

    rank: int
    state: CheckpointState
    seconds: float = 0.0
    reason: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("checkpoint")(checkpoint)


def checkpoint(
    array: MembersArgument,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Run the checkpoint script of an array's members, beside their job.

    Exits 0 when it ended well everywhere, else 1.
    """
    name, ranks = split_target(array)
    asyncio.run(_checkpoint(name, ranks, as_json=as_json))


async def _checkpoint(name: str, ranks: tuple[int, ...], *, as_json: bool) -> None:
    async with open_plane() as plane:
        array = await plane.find(name)
        check_ranks(array.name, array.size, ranks)
        request = CheckpointRequest(array_id=array.id, ranks=ranks)
        asked = await plane.requests.ask(API_CHECKPOINT, request, CheckpointAsked)
        ended: dict[int, Outcome] = {}
        try:
            async with within(_patience(array)), aclosing(_outcomes(plane, array, asked)) as items:
                async for outcome in items:
                    ended[outcome.rank] = outcome
                    _show(array.name, outcome, as_json=as_json)
        except TimeoutError as error:
            silent = format_ranks(set(asked.ranks) - set(ended))
            raise Ended(
                Exit.TIMED_OUT, f"ranks {silent} of {array.name} have not said how it ended"
            ) from error
        failed = [each for each in ended.values() if each.state is CheckpointState.FAILED]
        for line in await _last_words(plane, array, failed):
            note(line)
    if failed:
        said = [f"{array.name}-{each.rank}: {each.reason}" for each in failed]
        raise Ended(Exit.FAILED, some_of(said, _SHOWN))


async def _last_words(plane: Plane, array: Array, failed: Sequence[Outcome]) -> list[str]:
    """Return what the first scripts that failed have printed last."""
    if not failed:
        return []
    first = {each.rank for each in failed[:_MOST_TAILS]}
    members = [each for each in await plane.members_of(array.id) if each.rank in first]
    said = await plane.lost_checkpoints_of(array.id, [each.instance.id for each in members])
    return [
        f"{array.name}-{each.rank} | {line}"
        for each in sorted(members, key=lambda each: each.rank)
        if each.instance.id in said
        for line in said[each.instance.id].tail.splitlines()
    ]


def _patience(array: Array) -> timedelta:
    timeout = array.spec.checkpoint_timeout
    return (parse_duration(timeout) if timeout else TIMEOUT) + _GRACE


async def _outcomes(plane: Plane, array: Array, asked: CheckpointAsked) -> AsyncGenerator[Outcome]:
    """Yield how it has ended for each that was asked, once each."""
    left = set(asked.ranks)
    # From the first event: one that came before we listen is not told of again.
    async with aclosing(plane.follow(array.id, from_first=True)) as items:
        async for item in items:
            said = outcome_of(item.event.data, asked) if isinstance(item, Followed) else None
            if said is not None and said.rank in left:
                left.discard(said.rank)
                yield said
            if not left:
                return


def outcome_of(data: Data, asked: CheckpointAsked) -> Outcome | None:
    """Return what an event says of a checkpoint that was asked for; None of another."""
    match data:
        case CheckpointFinished(rank=rank, request_id=asked.request_id, seconds=seconds):
            return Outcome(rank=rank, state=CheckpointState.FINISHED, seconds=seconds)
        case CheckpointFailed(rank=rank, request_id=asked.request_id, seconds=s, reason=reason):
            return Outcome(rank=rank, state=CheckpointState.FAILED, seconds=s, reason=reason)
        case _:
            return None


def _show(name: str, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        put_json(outcome)
    elif outcome.state is CheckpointState.FINISHED:
        put(f"{name}-{outcome.rank}: saved in {outcome.seconds:.1f} s")
