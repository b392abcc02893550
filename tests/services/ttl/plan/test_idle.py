from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ttl.plan.idle import FRESH, SIGNS, WINDOWS, Course, judge, note, sign_of_work
from spawn.contracts.reports import Heartbeat
from tests.builders import NOON

MINUTE = timedelta(minutes=1)
Signs = dict[str, Any]
NONE: Signs = {}
QUIET: dict[str, Any] = {
    "job_processes": 0,
    "ssh_sessions": 0,
    "cpu_share": 0.004,
    "network_rate": 700.0,
    "disk_rate": 0.0,
    "gpu_share": 0.0,
}
WORK: dict[str, Any] = {
    "job_processes": 1,
    "ssh_sessions": 1,
    "cpu_share": 0.05,
    "network_rate": 10_000.0,
    "disk_rate": 100_000.0,
    "gpu_share": 0.05,
}


def a_beat(minute: int = 1, /, **changes: Any) -> Heartbeat:
    whole: dict[str, Any] = {"window_seconds": 60, "at": NOON + minute * MINUTE, "generation": 0}
    return Heartbeat(**{**whole, **QUIET, **changes})


def heard(*beats: Heartbeat) -> Course:
    course: Course | None = None
    for beat in beats:
        course = note(course, beat, beat.at + timedelta(seconds=1))
    assert course is not None
    return course


def quiet_for(course: Course) -> timedelta | None:
    verdict = judge({0: course}, course.heard_at)
    return None if verdict.quiet_since is None else course.heard_at - verdict.quiet_since


def row(*minutes: dict[str, Any]) -> Course:
    return heard(*(a_beat(number, **changes) for number, changes in enumerate(minutes, 1)))


@pytest.mark.parametrize(
    ("minutes", "quiet"),
    [
        pytest.param([NONE] * 3, 3, id="idle"),
        pytest.param([NONE] * 30, 30, id="idle for long"),
        pytest.param([NONE] * 2, None, id="too few windows"),
        pytest.param([{"job_processes": 1}] * 9, None, id="a job that sleeps"),
        pytest.param([{"cpu_share": 0.9}] * 9, None, id="busy"),
        pytest.param([NONE, {"cpu_share": 0.06}] * 9, None, id="bursty"),
        pytest.param(
            [NONE, NONE, {"disk_rate": 2e5}, NONE, NONE, NONE], 3, id="idle after a burst"
        ),
        pytest.param([NONE, NONE, NONE, {"ssh_sessions": 1}], None, id="somebody has come"),
        pytest.param([{"gpu_share": 0.5}] * 9, None, id="GPU alone"),
        pytest.param([{"network_rate": 5e4}] * 9, None, id="network alone"),
        pytest.param([{"disk_rate": 5e6}] * 9, None, id="disk alone"),
        pytest.param([{"gpu_share": None}] * 9, None, id="a GPU that can't be read"),
        pytest.param([NONE, NONE, NONE, {"cpu_share": None}], None, id="a counter was reset"),
        pytest.param([{"network_rate": 0.0}] * 9, None, id="counters stand still"),
        pytest.param([{"disk_rate": 0.0}] * 9, 9, id="a disk may rest"),
        pytest.param([{"cpu_share": float("nan")}] * 9, None, id="no number"),
        pytest.param([{"cpu_share": -1.0}] * 9, None, id="less than nothing"),
        pytest.param([{"window_seconds": 1e300}] * 9, None, id="an absurd window"),
        pytest.param([{"window_seconds": -60}] * 9, None, id="a window that ends first"),
    ],
)
def test_traces(minutes: list[dict[str, Any]], quiet: int | None) -> None:
    passed = quiet_for(row(*minutes))
    assert passed == (None if quiet is None else quiet * MINUTE)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.field)
def test_each_sign_is_work_from_its_threshold_on_and_when_it_is_unknown(sign: Any) -> None:
    assert sign_of_work(a_beat(**{sign.field: WORK[sign.field]})).startswith(f"{sign.word} ")
    assert sign_of_work(a_beat(1, **{sign.field: None})) == f"{sign.word} unknown"
    below = WORK[sign.field] * 0.99 if sign.unit else 0
    assert sign_of_work(a_beat(**{sign.field: below})) == ""


def test_a_heartbeat_that_is_missing_begins_the_count_anew() -> None:
    assert quiet_for(heard(*(a_beat(number) for number in (1, 2, 3, 5, 6)))) is None
    assert quiet_for(heard(*(a_beat(number) for number in (1, 2, 3, 5, 6, 7)))) == 3 * MINUTE


def test_a_clock_that_was_set_back_begins_the_count_anew() -> None:
    beats = [a_beat(number) for number in (5, 6, 7)]
    assert quiet_for(heard(*beats, a_beat(2))) is None


def test_a_clock_that_is_wrong_changes_nothing() -> None:
    course: Course | None = None
    for number in range(1, 6):
        course = note(course, a_beat(number + 300), NOON + number * MINUTE)
    assert course is not None
    assert quiet_for(course) == 5 * MINUTE


def test_an_instant_without_an_offset_is_work() -> None:
    naive = datetime(2026, 12, 1, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    assert heard_once(a_beat(at=naive)).work == "window unknown"


def heard_once(beat: Heartbeat) -> Course:
    return note(None, beat, NOON)


def test_the_same_heartbeat_again_changes_nothing() -> None:
    course = row(NONE, NONE, NONE)
    assert note(course, a_beat(3), NOON + 9 * MINUTE) is course


def test_a_heartbeat_out_of_turn_neither_counts_nor_breaks_the_row() -> None:
    course = row(NONE, NONE, NONE)
    early = a_beat(at=NOON + timedelta(minutes=3, seconds=5), window_seconds=5, cpu_share=0.5)
    course = note(course, early, early.at)
    assert course.windows == WINDOWS
    course = note(course, a_beat(4), NOON + 4 * MINUTE)
    assert course.windows == WINDOWS + 1


def test_a_first_window_that_is_too_short_is_no_quiet() -> None:
    course = note(None, a_beat(window_seconds=5), NOON)
    assert (course.windows, course.quiet_since) == (0, None)
    assert judge({0: course}, NOON).reason == "rank 0: too little is known yet"
    whole = note(course, a_beat(2), NOON + MINUTE)
    assert (whole.windows, whole.quiet_since) == (1, NOON)


def test_where_no_machine_runs_none_is_quiet() -> None:
    verdict = judge({}, NOON)
    assert (verdict.reason, verdict.quiet_since) == ("no machine runs", None)
    assert not verdict.is_over(timedelta(0))


def test_a_job_that_is_seen_out_of_turn_is_work() -> None:
    early = a_beat(at=NOON + timedelta(seconds=185), window_seconds=5, job_processes=1)
    assert note(row(NONE, NONE, NONE), early, early.at).work == "job processes 1"


def test_all_members_have_to_be_quiet_and_the_last_one_counts() -> None:
    early, late = row(*[NONE] * 9), heard(*(a_beat(number) for number in (6, 7, 8, 9)))
    now = late.heard_at
    both = judge({0: early, 1: late}, now)
    assert both.quiet_since == late.quiet_since
    assert judge({0: early, 1: heard(a_beat(9, cpu_share=0.5))}, now).reason == (
        "rank 1: CPU 50.0%"
    )
    assert judge({0: early, 1: "it is starting"}, now).reason == "rank 1: it is starting"


def test_what_is_not_heard_of_any_more_works() -> None:
    course = row(NONE, NONE, NONE)
    verdict = judge({0: course}, course.heard_at + FRESH + MINUTE)
    assert (verdict.quiet_since, verdict.reason) == (None, "rank 0: its heartbeats have ceased")


def test_the_reason_names_the_highest_of_all() -> None:
    courses = {0: row(*[{"cpu_share": 0.01}] * 3), 1: row(*[{"cpu_share": 0.04}] * 3)}
    verdict = judge(courses, courses[0].heard_at)
    assert verdict.reason == ("all quiet: CPU 4.0%, network 0.7 kB/s, disk 0.0 kB/s, GPU 0.0%")


def test_quiet_counts_no_earlier_than_it_may() -> None:
    course = row(*[NONE] * 9)
    begin = course.heard_at - 2 * MINUTE
    assert judge({0: course}, course.heard_at, not_before=begin).quiet_since == begin


signs = st.fixed_dictionaries(
    {
        name: st.none() | st.floats(allow_nan=True, allow_infinity=True)
        for name in ("cpu_share", "network_rate", "disk_rate", "gpu_share")
    }
    | {name: st.none() | st.integers(-2, 3) for name in ("job_processes", "ssh_sessions")}
    | {"window_seconds": st.floats(allow_nan=True, allow_infinity=True) | st.just(60.0)}
    | {"at": st.datetimes() | st.datetimes(timezones=st.just(UTC))}
)


@given(before=st.lists(signs), last=signs, processes=st.none() | st.integers(1, 99))
def test_a_machine_with_a_working_job_is_never_called_idle(
    before: list[dict[str, Any]], last: dict[str, Any], processes: int | None
) -> None:
    course: Course | None = None
    for said in [*before, {**last, "job_processes": processes}]:
        course = note(course, a_beat(1, **said), NOON)
    assert course is not None
    assert judge({0: course}, NOON).quiet_since is None


@given(
    st.lists(st.sampled_from([*({name: value} for name, value in WORK.items()), NONE, NONE, NONE]))
)
def test_quiet_is_never_longer_than_since_the_last_work(minutes: list[dict[str, Any]]) -> None:
    if not minutes:
        return
    since_work = next((n for n, each in enumerate(reversed(minutes)) if each), len(minutes))
    passed = quiet_for(row(*minutes))
    if since_work < WINDOWS:
        assert passed is None
    else:
        assert passed == since_work * MINUTE
