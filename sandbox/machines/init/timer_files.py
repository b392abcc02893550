"""What the `[Timer]` of a unit asks for, and when it elapses next: pure.

https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from sandbox.machines.init.calendar import Calendar, parse_calendar
from sandbox.machines.init.spans import parse_span
from sandbox.machines.init.unit_files import UnitFile

_SECTION = "Timer"


class TimerFile(msgspec.Struct, frozen=True, kw_only=True):
    """A timer as it is to be kept."""

    unit: str
    calendars: tuple[Calendar, ...]
    after_boot: tuple[timedelta, ...]
    after_activation: tuple[timedelta, ...]
    after_unit_started: tuple[timedelta, ...]
    after_unit_ended: tuple[timedelta, ...]
    persistent: bool
    remains: bool


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What has been; None is never.

    `stamp` is when a persistent timer elapsed, or was first activated, in an earlier boot.
    """

    booted: datetime
    activated: datetime
    triggered: datetime | None = None
    unit_started: datetime | None = None
    unit_ended: datetime | None = None
    stamp: datetime | None = None


def read_timer(unit: UnitFile) -> TimerFile:
    """Return what a unit asks for. Raises ValueError for a value that can't be read."""
    found = TimerFile(
        unit=unit.last(_SECTION, "Unit") or f"{unit.name.removesuffix('.timer')}.service",
        calendars=tuple(parse_calendar(one) for one in unit.all(_SECTION, "OnCalendar")),
        after_boot=_spans(unit, "OnBootSec") + _spans(unit, "OnStartupSec"),
        after_activation=_spans(unit, "OnActiveSec"),
        after_unit_started=_spans(unit, "OnUnitActiveSec"),
        after_unit_ended=_spans(unit, "OnUnitInactiveSec"),
        persistent=unit.flag(_SECTION, "Persistent"),
        remains=unit.flag(_SECTION, "RemainAfterElapse", default=True),
    )
    if not _has_a_time(found):
        raise ValueError(f"{unit.name} has no time at which it elapses")
    return found


def next_elapse(timer: TimerFile, past: Past) -> datetime | None:
    """Return when the timer elapses next, possibly in the past; None for never again."""
    times = [
        *_calendars(timer, past),
        *_once(past.booted, timer.after_boot, past),
        *_once(past.activated, timer.after_activation, past),
        *_repeated(past.unit_started, timer.after_unit_started, past),
        *_repeated(past.unit_ended, timer.after_unit_ended, past),
    ]
    return min(times, default=None)


def _calendars(timer: TimerFile, past: Past) -> list[datetime]:
    since = past.triggered or (past.stamp if timer.persistent else None) or past.activated
    times = (calendar.after(since) for calendar in timer.calendars)
    return [time for time in times if time is not None]


def _once(base: datetime, spans: Sequence[timedelta], past: Past) -> list[datetime]:
    times = [base + span for span in spans]
    return [time for time in times if past.triggered is None or time > past.triggered]


def _repeated(base: datetime | None, spans: Sequence[timedelta], past: Past) -> list[datetime]:
    return [] if base is None else _once(base, spans, past)


def _spans(unit: UnitFile, key: str) -> tuple[timedelta, ...]:
    return tuple(parse_span(one) for one in unit.all(_SECTION, key))


def _has_a_time(timer: TimerFile) -> bool:
    return bool(
        timer.calendars
        or timer.after_boot
        or timer.after_activation
        or timer.after_unit_started
        or timer.after_unit_ended
    )
