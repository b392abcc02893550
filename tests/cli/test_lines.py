"""Events and progress in words."""

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.lines import Narrator, clean, event_line, format_local, ran_for, refusal_lines
from cli.progress import Progress
from spawn.contracts import events
from spawn.contracts.arrays import ArrayState
from spawn.contracts.pools import Refusal
from tests.cli.builders import LEASE, make_event
from tests.cli.test_progress import ACCEPTED, REFUSAL, gone, running
from tests.fakes.cli_launcher import NOON, POOL


@pytest.fixture(autouse=True)
def _in_utc(surroundings: pytest.MonkeyPatch) -> None: ...


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (running(2), "/2  instance.running  i-00000000000000002 on-demand t3.medium us-east-1a"),
        (ACCEPTED, "  array.accepted  3 members, until 2026-12-01 20:00:00 UTC"),
        (
            events.ArrayLaunching(pools=(POOL,), chunks=1, reason="first"),
            "  array.launching  on-demand t3.medium (us-east-1a): first",
        ),
        (
            events.ArrayReady(size=3, ready=2, seconds=1.25),
            "  array.ready  2 of 3 after 1.2 s",
        ),
        (
            events.ArrayRejected(request_id="r1", name="web", code="x", message="no\x1b[2J"),
            "  array.rejected  no [2J",
        ),
        (events.ArrayTerminated(reason="asked"), "  array.terminated  asked"),
        (events.ArrayFinished(succeeded=True), "  array.finished  succeeded"),
        (
            events.ArrayFinished(succeeded=False, failed_ranks="0,3-5"),
            "  array.finished  failed: ranks 0,3-5",
        ),
        (
            events.MemberExited(rank=3, generation=0, exit_code=3),
            "/3  member.exited  exited with 3",
        ),
        (events.LeaseSet(lease=LEASE), "  lease.set  until 2026-12-01 20:00:00 UTC"),
        (
            events.LeaseRefused(request_id="r1", code="past", message="no"),
            "  lease.refused  no",
        ),
        (events.HostnameRegistered(names=("web.a.b",)), "  hostname.registered  web.a.b"),
        (
            events.HostnameRemoved(names=("web.a.b", "web-0.a.b", "web-1.a.b")),
            "  hostname.removed  web.a.b and 2 more",
        ),
    ],
)
def test_an_event_is_a_line(data: events.Data, told: str) -> None:
    line = event_line(make_event(data))
    assert line.startswith("12:00:00  web-")
    assert line.endswith(told)


def test_an_instant_is_told_in_local_time_and_in_utc(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("TZ", "EST5")
    time.tzset()
    assert format_local(NOON) == "2026-12-01 07:00:00 EST (12:00:00 UTC)"


def test_a_refusal_names_pool_code_and_answer() -> None:
    assert refusal_lines([REFUSAL]) == [
        "on-demand t3.medium us-east-1a: InsufficientInstanceCapacity (0 of 3): none left"
    ]


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    assert all(
        ord(character) >= 32 and not 127 <= ord(character) < 160 for character in clean(text)
    )


@pytest.mark.parametrize("size", [1, 2, 7, 8, 100, 1001])
def test_a_launch_of_any_size_is_told_in_a_few_lines(size: int) -> None:
    narrator, progress = Narrator(), Progress(size=size, state=ArrayState.LAUNCHING)
    told: list[str] = []
    for rank in range(size):
        progress.apply(make_event(running(rank)))
        told += narrator.tell(make_event(running(rank)), progress)
    assert 1 <= len(told) <= 8
    assert told[-1].strip() == f"{size} running"


def test_an_ending_is_told_by_what_has_ended() -> None:
    narrator, progress = Narrator(), Progress(size=1)
    progress.apply(make_event(running(0)))
    progress.state = ArrayState.TERMINATING
    progress.apply(make_event(gone(0)))
    assert narrator.tell(make_event(gone(0)), progress) == ["          1 exited"]


def test_how_long_it_took_is_told_in_tenths_while_short() -> None:
    assert ran_for(timedelta(seconds=1.26)) == "1.3 s"
    assert ran_for(timedelta(seconds=61)) == "1m1s"


def test_what_a_pool_answered_is_told_once() -> None:
    narrator = Narrator()
    again = Refusal(POOL, "InsufficientInstanceCapacity", "none left again", 2, 0)
    first = events.ArrayLaunching(pools=(), chunks=1, reason="next", refusals=(REFUSAL,))
    second = events.ArrayFailed(code="capacity", reason="all full", refusals=(REFUSAL, again))
    told = [narrator.tell(make_event(data), Progress()) for data in (first, second)]
    assert [len(lines) for lines in told] == [1, 1]
    assert told[0] == [f"          {refusal_lines([REFUSAL])[0]}"]


def test_a_launch_with_no_pool_left_is_told_by_its_reason() -> None:
    event = make_event(events.ArrayLaunching(pools=(), chunks=1, reason="all full"))
    assert event_line(event).endswith("  array.launching  all full")
