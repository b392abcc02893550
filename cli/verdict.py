"""The end of a job: how it ended, with what failed members printed last, and the exit code."""

from collections.abc import Sequence

from cli.exits import Ended, Exit
from cli.lines import format_local
from cli.outcome import explain_failures, failed_members, has_succeeded
from cli.plane import Plane
from cli.render import note
from cli.reports import reason_of
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import OnComplete
from spawn.contracts.members import Member
from spawn.contracts.ranks import format_ranks

_MOST_TAILS = 3
_TAIL_LINES = 10


async def judge(plane: Plane, array_id: ArrayId) -> None:
    """Say how an array's job ended; raise `Ended` unless it succeeded."""
    array = (await plane.arrays.get(array_id)).value
    members = await plane.members_of(array_id)
    if has_succeeded(array, members):
        exited = f"{len(members)} of {array.size} exited with 0"
        note(f"{array.name} succeeded: {exited}{what_is_left(array)}")
        return
    failed = failed_members(array, members)
    if array.state is ArrayState.FAILED and not any(each.exit_code for each in failed):
        failed = []
    if not failed:
        raise Ended(Exit.FAILED, f"{array.name} is {array.state}: {reason_of(array)}")
    for rank, tail in (await tails_of(plane, failed)).items():
        note(f"{array.name}-{rank} ended with:")
        for line in tail:
            note(f"  {line}")
    ranks = format_ranks(member.rank for member in failed)
    raise Ended(
        Exit.FAILED,
        f"{array.name} failed on ranks {ranks}: {explain_failures(array.name, failed)}"
        f"{what_is_left(array)}",
    )


def what_is_left(array: Array) -> str:
    """Say what still costs money when the job of an array has ended, if anything does."""
    if array.state is not ArrayState.FINISHED:
        return ""
    match array.on_complete:
        case OnComplete.TERMINATE:
            return ""
        case OnComplete.STOP:
            does = "are stopped and kept"
        case OnComplete.NONE:
            does = "run on"
    until = format_local(array.lease.until)
    return f"; its machines {does} until {until}, end them now with: spawn terminate {array.name}"


async def tails_of(plane: Plane, failed: Sequence[Member]) -> dict[int, list[str]]:
    """Return the last lines of what the first failed members printed, by rank."""
    first = failed[:_MOST_TAILS]
    if not first:
        return {}
    exits = await plane.exits_of(first[0].array_id, [each.instance.id for each in first])
    found = {each.rank: exits.get(each.instance.id) for each in first}
    return {
        rank: said.tail.splitlines()[-_TAIL_LINES:]
        for rank, said in found.items()
        if said is not None and said.tail
    }
