"""Idleness: whether a machine works, from what its heartbeats say; what is unknown is work.

A machine is quiet while every sign of work stays below its threshold in windows that follow each
other without a gap. Any doubt, be it a sign that can't be read, a window that is missing, or a
counter that stands still where it can't, begins the count anew.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from spawn.contracts.reports import Heartbeat

WINDOWS = 3
"""Quiet windows in a row, of a minute each, before a machine counts as quiet."""

FRESH = timedelta(seconds=150)
"""How long after its last heartbeat something is known of a machine: one may be lost."""

_SLACK = timedelta(seconds=5)
"""How much later than the end of the window before it one may begin."""

_SHORTEST_WINDOW, _LONGEST_WINDOW = timedelta(seconds=30), timedelta(minutes=10)
"""A shorter one is said out of turn: its rates tell more of the reason for it than of work."""


class Sign(NamedTuple):
    """A sign of work: the field of a heartbeat, from which value on it is one, and its name."""

    field: str
    least: float
    word: str
    unit: Callable[[float], str] | None = None

    def show(self, value: float) -> str:
        """Write a value as people read it."""
        return f"{self.word} {self.unit(value) if self.unit else f'{value:.0f}'}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _rate(value: float) -> str:
    return f"{value / 1000:.1f} kB/s"


SIGNS = (
    Sign("job_processes", 1, "job processes"),
    Sign("ssh_sessions", 1, "ssh sessions"),
    Sign("cpu_share", 0.05, "CPU", _percent),
    Sign("network_rate", 10_000, "network", _rate),
    Sign("disk_rate", 100_000, "disk", _rate),
    Sign("gpu_share", 0.05, "GPU", _percent),
)
"""All signs, with what is the least that counts as work: shares of 1.0, bytes a second."""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one machine: its last heartbeat, and since when it has been quiet.

    `windows` counts those that were quiet in a row; `quiet_since` is by our own clock, as is
    `heard_at`; `work` is the sign that was seen last, empty while it is quiet.
    """

    beat: Heartbeat
    heard_at: datetime
    work: str
    windows: int = 0
    quiet_since: datetime | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether machines are quiet, and since when; `reason` says so in words, or what works.

    `quiet_until` is up to when that is known of all of them.
    """

    reason: str
    quiet_since: datetime | None = None
    quiet_until: datetime | None = None

    def is_over(self, timeout: timedelta) -> bool:
        """Say whether it has been quiet for that long, as far as is known."""
        if self.quiet_since is None or self.quiet_until is None:
            return False
        return self.quiet_until - self.quiet_since >= timeout


def note(before: Course | None, beat: Heartbeat, heard_at: datetime) -> Course:
    """Take a heartbeat into account; the same one once more changes nothing."""
    if before is not None and before.beat == beat:
        return before
    work = sign_of_work(beat)
    if work:
        return Course(beat=beat, heard_at=heard_at, work=work)
    window = timedelta(seconds=beat.window_seconds)
    if before is not None and before.quiet_since is not None and _follows(before.beat, beat):
        is_whole = window >= _SHORTEST_WINDOW
        return Course(
            beat=beat,
            heard_at=heard_at,
            work="",
            windows=before.windows + is_whole,
            quiet_since=before.quiet_since,
        )
    if window < _SHORTEST_WINDOW:
        return Course(beat=beat, heard_at=heard_at, work="too little is known yet")
    # No earlier than it can be known: a heartbeat may have waited for its way to us.
    return Course(beat=beat, heard_at=heard_at, work="", windows=1, quiet_since=heard_at - window)


def sign_of_work(beat: Heartbeat) -> str:
    """Return what shows that a machine works, or may do so; empty when all is quiet."""
    if not 0 < beat.window_seconds <= _LONGEST_WINDOW.total_seconds() or beat.at.tzinfo is None:
        return "window unknown"
    is_short = timedelta(seconds=beat.window_seconds) < _SHORTEST_WINDOW
    for sign in SIGNS:
        value = _value(beat, sign)
        if sign.unit is not None and is_short:
            continue
        if value is None:
            return f"{sign.word} unknown"
        if not 0 <= value < sign.least:
            return sign.show(value)
    if not is_short and beat.network_rate == 0:
        # The heartbeat before it went over the network.
        return "network counters stand still"
    return ""


def judge(
    seen: Mapping[int, Course | str], now: datetime, *, not_before: datetime | None = None
) -> Verdict:
    """Say whether all of these machines, by rank, are quiet, and since when.

    A text says why one has to count as working. No time before `not_before` counts.
    """
    begins: list[datetime] = []
    quiet: list[Course] = []
    for rank, course in sorted(seen.items()):
        work = course if isinstance(course, str) else _work_of(course, now)
        if isinstance(course, str) or course.quiet_since is None or work:
            return Verdict(reason=f"rank {rank}: {work}")
        begins.append(course.quiet_since)
        quiet.append(course)
    if not begins:
        return Verdict(reason="no machine runs")
    since = max(begins) if not_before is None else max(not_before, *begins)
    return Verdict(
        reason=f"all quiet: {_loudest(course.beat for course in quiet)}",
        quiet_since=since,
        quiet_until=min(course.heard_at for course in quiet),
    )


def _work_of(course: Course, now: datetime) -> str:
    if now - course.heard_at > FRESH:
        return "its heartbeats have ceased"
    if course.work:
        return course.work
    if course.windows < WINDOWS:
        return f"quiet for {course.windows} of {WINDOWS} windows"
    return ""


def _follows(before: Heartbeat, beat: Heartbeat) -> bool:
    """Say whether no time lies between two windows, by the machine's own clock."""
    passed = beat.at - before.at
    is_whole = passed <= timedelta(seconds=beat.window_seconds) + _SLACK
    return is_whole and passed > timedelta() and before.generation == beat.generation


def _value(beat: Heartbeat, sign: Sign) -> float | None:
    value: float | None = getattr(beat, sign.field)
    return value


def _loudest(beats: Iterable[Heartbeat]) -> str:
    """Write the highest of each rate over all machines."""
    highest: dict[Sign, float] = {}
    for beat in beats:
        for sign in SIGNS:
            value = _value(beat, sign)
            if sign.unit is not None and value is not None:
                highest[sign] = max(value, highest.get(sign, 0))
    return ", ".join(sign.show(value) for sign, value in highest.items())
