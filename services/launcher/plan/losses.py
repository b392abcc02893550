"""What losses mean: for a launch, for a job, and for what is said of the array."""

from collections.abc import Iterable, Iterator

from services.launcher.model import View, Write
from services.launcher.plan.outcome import judge_job
from services.launcher.plan.rendezvous import are_settled, is_stranded
from services.launcher.plan.replacement import (
    awaited_ranks,
    due_members,
    explain_budget,
    ranks_under_way,
)
from services.launcher.plan.settlement import advance, end, explain_refusals, give_up
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import ArrayDegraded, ArrayReady
from spawn.contracts.launches import WaitFor
from spawn.contracts.members import Member, MemberState
from spawn.contracts.ranks import format_ranks


def judge_hope(view: View) -> Write | None:
    """Give up a launch of which fewer than wanted can be had."""
    array = view.array
    # A set, since members are written before the intent that made them is closed.
    reachable = {member.rank for member in present_members(view)}
    reachable |= ranks_under_way(array) | awaited_ranks(view)
    if len(reachable) >= array.min_count:
        return None
    lost = [member for member in view.members.values() if member.state is MemberState.LOST]
    enough_were_had = len(reachable.union(member.rank for member in lost)) >= array.min_count
    why = "; ".join(filter(None, (explain_refusals(array), *_explain_losses(lost))))
    reason = (
        f"{len(reachable)} of the {array.min_count} wanted can be had."
        f" {why}. Try other --instance-type or --zone, {_advice(array)}or a smaller --min-count"
    )
    code = "lost" if enough_were_had else "capacity"
    return Write(array=give_up(array, code, reason, now=view.now), reason="fewer than min-count")


def _advice(array: Array) -> str:
    """Say what else there is to try where spot was not to be had."""
    spec = array.spec
    bid = "a higher --spot-max-price, " if spec.spot_max_price is not None else ""
    on_demand = "--spot-fallback, " if spec.uses_spot and not spec.spot_fallback else ""
    return bid + on_demand


def _explain_losses(lost: Iterable[Member]) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for member in lost:
        by_reason.setdefault(member.reason, []).append(member.rank)
    for reason, ranks in by_reason.items():
        yield f"ranks {format_ranks(ranks)} are lost: {reason}"


def judge_ready(view: View) -> Iterator[Write]:
    """Say that an array is ready, once every member that was had is."""
    array = view.array
    present = present_members(view)
    waits = array.spec.wait_for is WaitFor.DNS
    named = not waits or are_settled(present, view.hostnames)
    if named and all(_counts_as_ready(member, array) for member in present):
        unfilled = array.size - len(present)
        reason = f"{unfilled} of {array.size} could not be had" if unfilled else ""
        data = ArrayReady(
            size=array.size,
            ready=len(present),
            seconds=(view.now - array.accepted_at).total_seconds(),
            refusals=array.refusals,
            api_calls=dict(view.calls),
        )
        after = advance(
            array, view.now, data, state=ArrayState.READY, ready_at=view.now, reason=reason
        )
        yield Write(array=after, reason="every member is there")


def _counts_as_ready(member: Member, array: Array) -> bool:
    if array.spec.wait_for is WaitFor.AGENT:
        return member.state in {MemberState.READY, MemberState.EXITED}
    return member.state in {MemberState.RUNNING, MemberState.READY, MemberState.EXITED}


def watch_over(view: View) -> Iterator[Write]:
    """Judge the job, and say what an array that serves has lost."""
    array = view.array
    if array.has_job and array.state is not ArrayState.FINISHED:
        finish = judge_job(view) or _judge_start(view)
        if finish is not None:
            yield finish
            return
    if view.members and not _living(view) and not awaited_ranks(view):
        finished = array.state is ArrayState.FINISHED
        ended = f"its job has ended: {array.reason}"
        reason = ended if finished else _why_gone(view.members.values())
        yield Write(array=end(array, reason, now=view.now), reason=reason)
        return
    if array.state in {ArrayState.READY, ArrayState.DEGRADED}:
        yield from _note_losses(view)


def _why_gone(members: Iterable[Member]) -> str:
    reasons = {each.ending for each in members}
    outside = "all its instances were ended from outside"
    return (reasons.pop() or outside) if len(reasons) == 1 else outside


def _judge_start(view: View) -> Write | None:
    """Give up a job that waits for members that never come."""
    array = view.array
    is_stranded_here = is_stranded(array, view.members) and not awaited_ranks(view)
    if array.state is ArrayState.RECOVERED or not is_stranded_here:
        return None
    missing = [each for each in view.members.values() if each.is_done and each.facts is None]
    why = "; ".join(_explain_losses(missing))
    reason = f"fewer than the {array.min_count} wanted are left to begin the job. {why}"
    return Write(
        array=give_up(array, "lost", reason, now=view.now), reason="the job can't begin any more"
    )


def _note_losses(view: View) -> Iterator[Write]:
    array = view.array
    coming = ranks_under_way(array).union(member.rank for member in due_members(view))
    lost = [
        member
        for _, member in sorted(view.members.items())
        if member.state is MemberState.LOST and member.rank not in coming
    ]
    if not lost:
        if array.state is ArrayState.DEGRADED and array.successions and not coming:
            yield from judge_ready(view)
        return
    ranks = format_ranks(member.rank for member in lost)
    budget = explain_budget((member.rank for member in lost), view)
    explained = "; ".join(filter(None, (f"ranks {ranks} are lost", budget)))
    if array.reason != explained:
        data = ArrayDegraded(
            size=array.size,
            ready=len(present_members(view)),
            ranks=ranks,
            reason="; ".join(filter(None, (lost[0].reason, budget, _explain_vain(view)))),
        )
        after = advance(array, view.now, data, state=ArrayState.DEGRADED, reason=explained)
        yield Write(array=after, reason="members were lost")


def _explain_vain(view: View) -> str:
    """Say why successors could not be had, where any were asked for."""
    return explain_refusals(view.array) if view.array.successions else ""


def present_members(view: View) -> list[Member]:
    """Return who has not been lost: their instance lives, or their job has had its exit."""
    return [
        each for each in view.members.values() if not each.is_over or each.exit_code is not None
    ]


def _living(view: View) -> list[Member]:
    return [member for member in view.members.values() if not member.is_over]
