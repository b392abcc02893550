from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.courses import BEFORE_DEATH, GRACE, Course, course_of, grace_of
from agent.notices import INTERRUPTION, LIKELIER, Notice, Unclear, read_action, read_notice
from agent.orders import Checkpointing

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
PLAN = Checkpointing(
    on_interruption="checkpoint",
    on_rebalance="ignore",
    script="save",
    timeout=90,
    signal="last",
    uri="",
    strict=False,
)


def a_plan(**changes: Any) -> Checkpointing:
    return Checkpointing(**{**vars(PLAN), **changes})


def at(seconds: float) -> str:
    return (NOON + seconds * SECONDS).isoformat()


IN_TWO_MINUTES = Notice(INTERRUPTION, "terminate", at(120))


@pytest.mark.parametrize(
    ("plan", "notice", "course"),
    [
        pytest.param(
            PLAN,
            IN_TWO_MINUTES,
            Course(saves=True, ends_job=True, budget=90 * SECONDS),
            id="saves, then ends the job",
        ),
        pytest.param(
            a_plan(signal="first"),
            Notice(INTERRUPTION, "terminate", at(60)),
            Course(saves=True, ends_job=True, first=True, budget=50 * SECONDS),
            id="ends the job, then saves in what is left",
        ),
        pytest.param(
            PLAN,
            Notice(INTERRUPTION, "terminate", at(-5)),
            Course(saves=True, ends_job=True),
            id="too late to save",
        ),
        pytest.param(
            a_plan(on_interruption="terminate"),
            IN_TWO_MINUTES,
            Course(wait=90 * SECONDS, ends_job=True),
            id="works on to the last call",
        ),
        pytest.param(a_plan(on_interruption="stop"), IN_TWO_MINUTES, Course(), id="is stopped"),
        pytest.param(
            a_plan(on_interruption="hibernate"), IN_TWO_MINUTES, Course(), id="is frozen as it is"
        ),
        pytest.param(PLAN, Notice(LIKELIER), Course(), id="a rebalance is ignored"),
        pytest.param(
            a_plan(on_rebalance="checkpoint"),
            Notice(LIKELIER),
            Course(saves=True, budget=90 * SECONDS),
            id="a rebalance is saved for, and the job goes on",
        ),
        pytest.param(
            a_plan(on_rebalance="replace", script=""),
            Notice(LIKELIER),
            Course(awaits_successor=True, ends_job=True, budget=90 * SECONDS),
            id="a rebalance makes room for a successor that is there",
        ),
        pytest.param(
            PLAN,
            Notice("maintenance", "stop", at(9000)),
            Course(),
            id="planned work changes nothing",
        ),
    ],
)
def test_what_is_done_about_a_notice(plan: Checkpointing, notice: Notice, course: Course) -> None:
    assert course_of(plan, notice, NOON) == course


@given(
    seconds=st.floats(-100, 10_000),
    timeout=st.integers(1, 3600),
    signal=st.sampled_from(["first", "last"]),
    on=st.sampled_from(["checkpoint", "terminate", "stop", "hibernate"]),
)
def test_nothing_is_planned_beyond_the_end(
    seconds: float, timeout: int, signal: str, on: str
) -> None:
    plan, notice = (
        a_plan(timeout=timeout, signal=signal, on_interruption=on),
        Notice(INTERRUPTION, "terminate", at(seconds)),
    )
    course = course_of(plan, notice, NOON)
    left = max(timedelta(seconds=seconds), timedelta())
    assert timedelta() <= course.budget <= timeout * SECONDS
    assert course.budget <= max(left - BEFORE_DEATH, timedelta())
    assert course.wait <= left
    grace = grace_of(course, notice, NOON)
    assert SECONDS <= grace <= GRACE
    assert grace <= max(left, SECONDS)
    if course.first:
        assert grace <= max(course.budget / 2, SECONDS)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"action":"dance","time":"2026-12-01T12:00:00Z"}', '{"action":"stop"}'],
)
def test_what_is_no_action_is_unclear(text: str) -> None:
    with pytest.raises(Unclear):
        read_action(text)


def test_an_action_is_what_it_says() -> None:
    notice = read_action('{"action":"stop","time":"2026-12-01T12:00:00Z"}')
    assert (notice.key, notice.instant) == ("interruption/stop", NOON)


@given(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
def test_what_is_no_notice_is_unclear(value: object) -> None:
    with pytest.raises(Unclear):
        read_notice(value)


def test_the_earlier_instant_counts() -> None:
    first, later, some_time = (Notice("i", "stop", each) for each in (at(1), at(2), ""))
    assert first.is_before(later)
    assert first.is_before(some_time)
    assert not later.is_before(first)
    assert not some_time.is_before(first)
    assert not first.is_before(first)
