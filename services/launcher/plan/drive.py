"""What an array needs next: the whole road from accepted to its end, as one pure function."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.launcher.model import (
    LookUp,
    Nudge,
    Place,
    Resend,
    Step,
    View,
    Write,
)
from services.launcher.plan.endings import end_stopped, finish_ending
from services.launcher.plan.losses import judge_hope, judge_ready, watch_over
from services.launcher.plan.outcome import judge_failure
from services.launcher.plan.own_leases import end_due, is_unsettled, lease_step
from services.launcher.plan.power import power_steps
from services.launcher.plan.rendezvous import (
    is_complete,
    names_of,
    revision_of,
)
from services.launcher.plan.replacement import replace_lost, tend_formers
from services.launcher.plan.resting import rest_overdue
from services.launcher.plan.settlement import advance
from spawn.contracts.arrays import Array, ArrayState

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
    serves = array.state in SERVING and not array.retag and not array.powering
    return (serves and not array.chunks and not array.intents) or array.state.is_over


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
        yield from finish_ending(view, array.ending)
        return
    yield from end_due(view)
    if (step := lease_step(view) or rest_overdue(view)) is not None:
        yield step
    elif array.placement is None and array.state is not ArrayState.RECOVERED:
        yield LookUp(reason="no placement yet")
    else:
        yield from _tell_peers(view)
        yield from _with_power(view)


def _with_power(view: View) -> tuple[Step, ...]:
    """Stop and start what is to be so beside the rest; what is written stands alone."""
    wishes = tuple(power_steps(view)) if view.array.state in SERVING else ()
    if any(isinstance(step, Write) for step in wishes):
        return wishes
    others = tuple(_go_on(view))
    return others if any(isinstance(step, Write) for step in others) else (*wishes, *others)


def _tell_peers(view: View) -> Iterator[Step]:
    names = names_of(view.members, view.hostnames)
    revision = revision_of(view.members.values(), names)
    if revision != view.told and is_complete(view.array, view.members, view.hostnames):
        yield Nudge(revision=revision, reason="the peers are complete")


def _go_on(view: View) -> Iterator[Step]:
    replacing = tuple(replace_lost(view))
    writes = (*_judge(view), *(step for step in replacing if isinstance(step, Write)))
    if writes:
        # It changes what the rest would be decided from.
        yield writes[0]
        return
    yield from tend_formers(view)
    yield from end_stopped(view)
    yield from replacing
    yield from _ask(view)


def _judge(view: View) -> Iterator[Write]:
    array = view.array
    if array.state in SERVING:
        yield from watch_over(view)
        return
    failed = judge_hope(view) or (judge_failure(view) if array.has_job else None)
    if failed is not None:
        yield failed
    elif not array.intents and not array.chunks:
        yield from judge_ready(view)


def _ask(view: View) -> Iterator[Step]:
    array = view.array
    for intent in array.intents:
        # The copy may show an intent before its writer, who then sends it, knows that it stands.
        if intent.token not in view.sending and intent.chunk.number not in view.placing:
            yield Resend(intent=intent, reason="open intent without an answer")
    under_way = {*view.placing, *(intent.chunk.number for intent in array.intents)}
    waiting = [chunk for chunk in array.chunks if chunk.number not in view.placing]
    for chunk in waiting[: max(0, MOST_UNDER_WAY - len(under_way))]:
        yield Place(chunk=chunk, reason=f"ranks {chunk.ranks} wait")
