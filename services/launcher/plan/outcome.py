"""When the job of an array has ended, and how."""

from services.launcher.model import View, Write
from services.launcher.plan.power import wish_for
from services.launcher.plan.replacement import awaited_ranks
from services.launcher.plan.settlement import advance
from spawn.contracts.arrays import ArrayState, Ending
from spawn.contracts.counts import some_of
from spawn.contracts.events import ArrayFinished
from spawn.contracts.launches import OnMemberFailure
from spawn.contracts.members import Member
from spawn.contracts.power import PowerTo
from spawn.contracts.ranks import format_ranks

MOST_EXIT_CODES = 100
"""Exit codes that an event lists; the ranks that failed are all named."""

_SHOWN = 10


def judge_job(view: View) -> Write | None:
    """Judge the job: over when all members' are, or at the first failure where that ends it."""
    all_done = bool(view.members) and all(each.is_done for each in view.members.values())
    is_done = all_done and not awaited_ranks(view)
    return judge_failure(view) or (_finish(view, fails_now=False) if is_done else None)


def judge_failure(view: View) -> Write | None:
    """End the array at the first failure of a member, where that is wanted."""
    wanted = view.array.spec.on_member_failure is OnMemberFailure.FAIL_ARRAY
    fails = wanted and any(not _was_stopped(view, each) for each in _failed(view))
    return _finish(view, fails_now=True) if fails else None


def _was_stopped(view: View, member: Member) -> bool:
    """Say whether a machine was stopped: that its job ended with it is no reason to end all."""
    wish = wish_for(view.array, member.rank)
    to_stop = wish is not None and wish.to is not PowerTo.RUNNING
    return to_stop or member.is_stopped or member.starts > 0


def _failed(view: View) -> list[Member]:
    failed = [each for each in view.members.values() if each.is_done and each.exit_code != 0]
    if not failed:
        return []
    # What a member leaves undone that is interrupted, its successor does.
    awaited = awaited_ranks(view)
    return [each for each in failed if each.rank not in awaited]


def _finish(view: View, *, fails_now: bool) -> Write:
    array, failed = view.array, _failed(view)
    data = ArrayFinished(
        succeeded=not failed,
        failed_ranks=format_ranks(each.rank for each in failed),
        exit_codes={
            str(each.rank): each.exit_code
            for each in sorted(failed, key=lambda each: each.rank)[:MOST_EXIT_CODES]
            if each.exit_code is not None
        },
    )
    reason = explain_exits(failed) if failed else "every member exited with 0"
    changes: dict[str, object] = {"state": ArrayState.FINISHED, "reason": reason, "chunks": ()}
    if fails_now:
        ending = Ending(state=ArrayState.FAILED, code="member-failed", reason=reason, at=view.now)
        changes |= {"state": ArrayState.TERMINATING, "ending": ending}
    return Write(array=advance(array, view.now, data, **changes), reason="the job has ended")


def explain_exits(failed: list[Member]) -> str:
    """Say which ranks failed and how, the first of them one by one."""
    ordered = sorted(failed, key=lambda member: member.rank)
    return some_of([f"rank {each.rank}: {_how(each)}" for each in ordered], _SHOWN)


def _how(member: Member) -> str:
    if member.exit_code is None:
        return member.reason or "lost"
    return f"exited with {member.exit_code}{f' ({member.reason})' if member.reason else ''}"
