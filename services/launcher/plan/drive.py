"""What an array needs next: the whole road from accepted to its end, as one pure function."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from services.launcher.model import (
    End,
    LookUp,
    Nudge,
    Place,
    Resend,
    Step,
    Trace,
    View,
    Write,
)
from services.launcher.plan.outcome import judge_failure, judge_job
from services.launcher.plan.own_leases import end_due, is_unsettled, lease_step
from services.launcher.plan.power import power_steps
from services.launcher.plan.rendezvous import (
    are_settled,
    is_complete,
    is_stranded,
    names_of,
    revision_of,
)
from services.launcher.plan.resting import rest_overdue
from services.launcher.plan.settlement import advance, end, explain_refusals, give_up
from spawn.contracts.arrays import Array, ArrayState, Ending
from spawn.contracts.events import (
    ArrayDegraded,
    ArrayFailed,
    ArrayReady,
    ArrayTerminated,
    Data,
)
from spawn.contracts.launches import WaitFor
from spawn.contracts.members import Member, MemberState
from spawn.contracts.ranks import format_ranks, parse_ranks

SERVING = frozenset(
    {ArrayState.READY, ArrayState.DEGRADED, ArrayState.FINISHED, ArrayState.RECOVERED}
)
"""States of an array that has what it asked for and waits for its end."""

MOST_UNDER_WAY = 20
"""Calls of one array at once: EC2's rate allows for less, and each open intent holds its whole
request, all of which must fit one record of 900 kB."""

TOLD = timedelta(minutes=2)
"""How long after an event its record is written once more without it; far below the time after
which the stream would take it for another one."""


def next_steps(view: View) -> tuple[Step, ...]:
    """Decide what is to be done now; nothing means: wait until something changes."""
    steps = tuple(_steps(view))
    if not steps and has_told(view.array, view.now):
        return (Write(array=advance(view.array, view.now), reason="its events are told"),)
    return steps


def is_at_rest(array: Array) -> bool:
    """Say whether an array needs nobody until its lease is over or a member changes."""
    is_left = array.state in SERVING and not array.retag and not array.powering
    return is_left or array.state.is_over


def is_settled(view: View) -> bool:
    """Say whether an array is at rest, and nothing is still to be done for one of its members."""
    return is_at_rest(view.array) and not is_unsettled(view.members.values())


def has_told(array: Array, now: datetime) -> bool:
    """Say whether an array's record still holds events that are surely on the bus."""
    return not array.state.is_over and any(now - each.time >= TOLD for each in array.outbox)


def _steps(view: View) -> Iterator[Step]:
    array = view.array
    if array.state.is_over:
        return
    if array.ending is not None:
        yield from _finish_ending(view, array.ending)
        return
    yield from end_due(view)
    if (step := lease_step(view) or rest_overdue(view)) is not None:
        yield step
    elif array.placement is None and array.state is not ArrayState.RECOVERED:
        yield LookUp(reason="no placement yet")
    elif array.state in SERVING:
        yield from power_steps(view)
        yield from _tell_peers(view)
        yield from _watch_over(view)
    else:
        yield from _tell_peers(view)
        yield from _launch(view)


def _tell_peers(view: View) -> Iterator[Step]:
    names = names_of(view.members, view.hostnames)
    revision = revision_of(view.members.values(), names)
    if revision != view.told and is_complete(view.array, view.members, view.hostnames):
        yield Nudge(revision=revision, reason="the peers are complete")


def _launch(view: View) -> Iterator[Step]:
    array = view.array
    failed = _hopeless(view) or (judge_failure(view) if array.has_job else None)
    if failed is not None:
        yield failed
        return
    for intent in array.intents:
        # The copy may show an intent before its writer, who then sends it, knows that it stands.
        if intent.token not in view.sending and intent.chunk.number not in view.placing:
            yield Resend(intent=intent, reason="open intent without an answer")
    under_way = {*view.placing, *(intent.chunk.number for intent in array.intents)}
    waiting = [chunk for chunk in array.chunks if chunk.number not in view.placing]
    for chunk in waiting[: max(0, MOST_UNDER_WAY - len(under_way))]:
        yield Place(chunk=chunk, reason=f"ranks {chunk.ranks} wait")
    if not array.intents and not array.chunks:
        yield from _judge(view)


def _hopeless(view: View) -> Write | None:
    array = view.array
    # A set, since members are written before the intent that made them is closed.
    reachable = {member.rank for member in _present(view)}
    for chunk in (*array.chunks, *(intent.chunk for intent in array.intents)):
        reachable.update(parse_ranks(chunk.ranks))
    if len(reachable) >= array.min_count:
        return None
    lost = [member for member in view.members.values() if member.state is MemberState.LOST]
    enough_were_had = len(reachable.union(member.rank for member in lost)) >= array.min_count
    why = "; ".join(filter(None, (explain_refusals(array), *_explain_losses(lost))))
    reason = (
        f"{len(reachable)} of the {array.min_count} wanted can be had."
        f" {why}. Try other --instance-type or --zone, or a smaller --min-count"
    )
    code = "lost" if enough_were_had else "capacity"
    return Write(array=give_up(array, code, reason, now=view.now), reason="fewer than min-count")


def _explain_losses(lost: Iterable[Member]) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for member in lost:
        by_reason.setdefault(member.reason, []).append(member.rank)
    for reason, ranks in by_reason.items():
        yield f"ranks {format_ranks(ranks)} are lost: {reason}"


def _judge(view: View) -> Iterator[Step]:
    array = view.array
    present = _present(view)
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


def _watch_over(view: View) -> Iterator[Step]:
    array = view.array
    if array.has_job and array.state is not ArrayState.FINISHED:
        finish = judge_job(view) or _judge_start(view)
        if finish is not None:
            yield finish
            return
    if view.members and not _living(view):
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
    if array.state is ArrayState.RECOVERED or not is_stranded(array, view.members):
        return None
    missing = [each for each in view.members.values() if each.is_done and each.facts is None]
    why = "; ".join(_explain_losses(missing))
    reason = f"fewer than the {array.min_count} wanted are left to begin the job. {why}"
    return Write(
        array=give_up(array, "lost", reason, now=view.now), reason="the job can't begin any more"
    )


def _note_losses(view: View) -> Iterator[Step]:
    array = view.array
    lost = [member for member in view.members.values() if member.state is MemberState.LOST]
    ranks = format_ranks(member.rank for member in lost)
    explained = f"ranks {ranks} are lost"
    if lost and array.reason != explained:
        data = ArrayDegraded(
            size=array.size, ready=len(_present(view)), ranks=ranks, reason=lost[0].reason
        )
        after = advance(array, view.now, data, state=ArrayState.DEGRADED, reason=explained)
        yield Write(array=after, reason="members were lost")


def _finish_ending(view: View, ending: Ending) -> Iterator[Step]:
    array = view.array
    for intent in array.intents:
        if intent.token not in view.sending:
            yield Trace(intent=intent, reason="the array is ending")
    living = _living(view)
    ids = tuple(
        member.instance.id
        for member in living
        if member.instance.id not in view.ending and not member.instance.state.is_going
    )
    if ids:
        yield End(instance_ids=ids, reason=ending.reason)
    if not living and not array.intents:
        yield Write(array=_over(view, ending), reason="nothing of it is left")


def _over(view: View, ending: Ending) -> Array:
    data: Data
    if ending.state is ArrayState.FAILED:
        data = ArrayFailed(
            code=ending.code,
            reason=ending.reason,
            refusals=view.array.refusals,
            api_calls=dict(view.calls),
        )
    else:
        data = ArrayTerminated(reason=ending.reason)
    return advance(view.array, view.now, data, state=ending.state)


def _present(view: View) -> list[Member]:
    """Members that have not been lost: their instance lives, or their job has had its exit."""
    return [
        each for each in view.members.values() if not each.is_over or each.exit_code is not None
    ]


def _living(view: View) -> list[Member]:
    return [member for member in view.members.values() if not member.is_over]
