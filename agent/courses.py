"""What a machine does about a notice: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.notices import INTERRUPTION, LIKELIER, Notice
from agent.orders import Checkpointing

BEFORE_DEATH = timedelta(seconds=10)
"""What a checkpoint leaves of the time until its machine dies (as in
`spawn.contracts.checkpoints`)."""

LAST_CALL = timedelta(seconds=30)
"""How long before its machine dies a job without a checkpoint is told to end."""

GRACE = timedelta(seconds=30)
"""How long a job may take to end when there is time."""

_LEAST_GRACE = timedelta(seconds=1)
_LAST_WORDS = timedelta(seconds=5)
"""What the end of the job leaves for its report."""


@dataclass(frozen=True)
class Course:
    """Steps, in this order.

    Wait; until a successor is there, if that is what it `awaits`; end the job, when `first`; run
    the script for at most `budget`; end the job, when not `first`.
    """

    wait: timedelta = timedelta()
    awaits_successor: bool = False
    saves: bool = False
    ends_job: bool = False
    first: bool = False
    budget: timedelta = timedelta()


def course_of(plan: Checkpointing, notice: Notice, now: datetime) -> Course:
    """Return what is to be done about a notice of this machine."""
    saves = bool(plan.script)
    first = plan.signal == "first"
    budget = budget_of(plan, notice, now)
    if notice.kind == INTERRUPTION and plan.on_interruption == "checkpoint":
        return Course(saves=saves, ends_job=True, first=first, budget=budget)
    if notice.kind == INTERRUPTION and plan.on_interruption == "terminate":
        dies_at = notice.instant
        wait = max(dies_at - now - LAST_CALL, timedelta()) if dies_at else timedelta()
        return Course(wait=wait, ends_job=True)
    if notice.kind == LIKELIER and plan.on_rebalance == "checkpoint":
        return Course(saves=saves, budget=budget)
    if notice.kind == LIKELIER and plan.on_rebalance == "replace":
        return Course(
            awaits_successor=True, saves=saves, ends_job=True, first=first, budget=budget
        )
    return Course()


def budget_of(plan: Checkpointing, notice: Notice | None, now: datetime) -> timedelta:
    """Return how long the script may run: its timeout, or less when its machine dies before."""
    timeout = timedelta(seconds=plan.timeout)
    dies_at = notice.instant if notice else None
    if dies_at is None:
        return timeout
    return max(min(timeout, dies_at - BEFORE_DEATH - now), timedelta())


def grace_of(course: Course, notice: Notice, now: datetime) -> timedelta:
    """Return how long the job may take to end; when it ends first, its checkpoint needs time."""
    grace = min(GRACE, course.budget / 2) if course.first and course.saves else GRACE
    dies_at = notice.instant
    if dies_at is not None:
        grace = min(grace, dies_at - _LAST_WORDS - now)
    return max(grace, _LEAST_GRACE)
