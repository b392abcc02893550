from datetime import datetime, timedelta

import pytest

from sandbox.machines.init.timer_files import Past, next_elapse, read_timer
from sandbox.machines.init.unit_files import UnitFile, parse
from tests.fakes.clock import NOON

MINUTE = timedelta(minutes=1)
BOOTED = NOON - 10 * MINUTE


def elapse(text: str, **past: datetime | None) -> datetime | None:
    timer = read_timer(UnitFile("x.timer", parse(f"[Timer]\n{text}", name="x.timer")))
    return next_elapse(timer, Past(booted=BOOTED, activated=NOON, **past))


def test_after_boot_may_be_over_already() -> None:
    assert elapse("OnBootSec=5min") == NOON - 5 * MINUTE


def test_after_boot_happens_once() -> None:
    assert elapse("OnBootSec=5min", triggered=NOON) is None


def test_after_activation_happens_once() -> None:
    assert elapse("OnActiveSec=1min") == NOON + MINUTE
    assert elapse("OnActiveSec=1min", triggered=NOON + MINUTE) is None


def test_the_earliest_of_several_times_counts() -> None:
    text = "OnActiveSec=1min\nOnBootSec=1h\nOnCalendar=2026-06-01 12:00:30 UTC"
    assert elapse(text) == NOON + MINUTE / 2


def test_an_instant_that_was_over_at_activation_never_comes() -> None:
    assert elapse("OnCalendar=2026-06-01 11:00:00 UTC") is None


def test_a_persistent_timer_makes_up_for_an_instant_that_it_slept_through() -> None:
    text = "OnCalendar=2026-06-01 11:00:00 UTC"
    stamp = NOON - 120 * MINUTE
    assert elapse(f"{text}\nPersistent=true", stamp=stamp) == NOON - 60 * MINUTE
    assert elapse(text, stamp=stamp) is None


def test_after_its_unit_repeats() -> None:
    at = NOON + 3 * MINUTE
    assert elapse("OnUnitActiveSec=1min\nOnActiveSec=0") == NOON
    text = "OnUnitActiveSec=1min\nOnActiveSec=0"
    assert elapse(text, triggered=at, unit_started=at) == at + MINUTE
    text = "OnUnitInactiveSec=1min\nOnActiveSec=0"
    assert elapse(text, triggered=at, unit_ended=at + MINUTE) == at + 2 * MINUTE


def test_a_timer_without_times_is_refused() -> None:
    with pytest.raises(ValueError, match="no time"):
        elapse("Unit=y.service")


def test_the_unit_is_the_one_of_its_name_unless_said() -> None:
    assert read_timer(UnitFile("x.timer", {("Timer", "OnBootSec"): ["1"]})).unit == "x.service"
