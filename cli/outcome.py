"""How the job of an array has ended, from its records."""

from collections.abc import Collection

from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.counts import some_of
from spawn.contracts.members import Member, MemberState

_SHOWN = 5


def failed_members(array: Array, members: Collection[Member]) -> list[Member]:
    """Return, by rank, the members whose job exited with an error or was lost.

    One that was ended before its job had its exit has not failed: the array's reason says why.
    """
    if not array.has_job:
        return []
    return sorted(filter(_has_failed, members), key=lambda member: member.rank)


def has_succeeded(array: Array, members: Collection[Member]) -> bool | None:
    """Say whether the job succeeded on every member; None as long as, or if, it never ended."""
    if array.has_job and members and all(each.exit_code == 0 for each in members):
        return True
    ended = array.state is ArrayState.FINISHED or array.state.is_over
    return False if ended and failed_members(array, members) else None


def show_state(state: str, succeeded: bool | None, failed_ranks: str) -> str:
    """Write a state and how the job ended: `finished (failed: ranks 3)`."""
    if succeeded:
        return f"{state} (succeeded)"
    return f"{state} (failed: ranks {failed_ranks})" if failed_ranks else state


def explain_failures(name: str, failed: list[Member]) -> str:
    """Say of each failed member, the first of them one by one, how it ended."""
    return some_of([f"{name}-{each.rank} {_how(each)}" for each in failed], _SHOWN)


def _has_failed(member: Member) -> bool:
    return bool(member.exit_code) or (
        member.exit_code is None and member.state is MemberState.LOST
    )


def _how(member: Member) -> str:
    if member.exit_code is None:
        return f"is lost: {member.reason}" if member.reason else "is lost"
    reason = reason_beside_code(member)
    return f"exited with {member.exit_code}{f' ({reason})' if reason else ''}"


def reason_beside_code(member: Member) -> str:
    """Return why a member ended, unless its exit code says as much."""
    return "" if member.reason.endswith(f"exit code {member.exit_code}") else member.reason
