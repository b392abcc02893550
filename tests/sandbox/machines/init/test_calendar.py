from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.machines.init.calendar import parse_calendar
from sandbox.machines.init.spans import FOREVER, parse_span
from tests.fakes.clock import NOON

MOMENTS = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-06-01 12:00:05 UTC", "2026-06-01T12:00:05", id="an instant"),
        pytest.param("2026-06-01 12:00:00 UTC", None, id="now is not later"),
        pytest.param("2026-05-31 12:00:00 UTC", None, id="gone"),
        pytest.param("@1780315210", "2026-06-01T12:00:10", id="seconds of the epoch"),
        pytest.param("*-*-* *:*:00 UTC", "2026-06-01T12:01:00", id="each minute"),
        pytest.param("*:0/15 UTC", "2026-06-01T12:15:00", id="each quarter"),
        pytest.param("*:*:0/5 UTC", "2026-06-01T12:00:05", id="every five seconds"),
        pytest.param("09:00 UTC", "2026-06-02T09:00:00", id="tomorrow"),
        pytest.param("Sat,Sun 09:00 UTC", "2026-06-06T09:00:00", id="at the weekend"),
        pytest.param("Tue..Thu *-*-01 UTC", "2026-07-01T00:00:00", id="a day and a date"),
        pytest.param("02-29 UTC", "2028-02-29T00:00:00", id="a leap day"),
        pytest.param("2026-06-01 15:00 Europe/Berlin", "2026-06-01T13:00:00", id="elsewhere"),
        pytest.param("2026..2027-01,03-31 8..9:30 UTC", "2027-01-31T08:30:00", id="lists"),
    ],
)
def test_the_next_event(text: str, expected: str | None) -> None:
    found = parse_calendar(text).after(NOON)
    wanted = None if expected is None else datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found == wanted


@given(MOMENTS, MOMENTS)
def test_an_instant_happens_once(at: datetime, now: datetime) -> None:
    found = parse_calendar(f"{at:%Y-%m-%d %H:%M:%S} UTC").after(now)
    assert found == (at if at > now else None)


@given(MOMENTS, st.integers(1, 59))
def test_a_repetition_is_near_and_later(now: datetime, step: int) -> None:
    found = parse_calendar(f"*:*:0/{step} UTC").after(now)
    assert found is not None
    assert timedelta(0) < found - now <= timedelta(seconds=60)
    assert found.second % step == 0


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "2026-13-01", "*-*-* 1:2:3:4", "Foo 09:00", "09:00 Mars/Base"]
)
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"parse|out of range"):
        parse_calendar(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("500ms", 0.5),
        ("5min 20s", 320),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1.5s", 1.5),
    ],
)
def test_spans(text: str, seconds: float) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


def test_a_span_without_end() -> None:
    assert parse_span("infinity") == FOREVER


@pytest.mark.parametrize("text", ["", "x", "5 parsecs", "-3"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        parse_span(text)
