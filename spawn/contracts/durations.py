"""Durations as people write them: `90m`, `4h`, `1d12h`, `2w`."""

import re
from datetime import timedelta

from spawn.errors import Rejected

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE = re.compile(r"(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?", re.ASCII)
_PART = re.compile(r"(\d+)([wdhms])", re.ASCII)
LONGEST = timedelta(days=36_525)
"""A century: added to any instant of these days it is still one that calendars have."""

_LONGEST_DIGITS = 9
_LONGEST_SHOWN = 40


def parse_duration(text: str) -> timedelta:
    """Parse weeks, days, hours, minutes and seconds, each at most once and in that order.

    Raises `Rejected` when the text does not parse, is zero or longer than `LONGEST`.
    """
    compact = text.strip().lower()
    parts = _PART.findall(compact)
    if (
        not _WHOLE.fullmatch(compact)
        or any(len(digits) > _LONGEST_DIGITS for digits, _ in parts)
        or not any(int(digits) for digits, _ in parts)
    ):
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        raise Rejected(f"{shown!r} is not a duration; write it like 90m, 4h or 1d12h")
    seconds = sum(int(digits) * _UNITS[unit] for digits, unit in parts)
    if seconds > LONGEST.total_seconds():
        raise Rejected(f"{text[:_LONGEST_SHOWN]!r} is longer than a century")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it, to the second; zero as `0s`."""
    left = max(0, round(duration.total_seconds()))
    text = ""
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
