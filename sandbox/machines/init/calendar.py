"""Calendar events of timers: `2026-05-01 12:00:00 UTC`, `*:0/15`, `Mon..Fri 09:00`, `@1750000000`.

https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
}
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}
_YEARS = (1970, 2199)
_FEWEST_PARTS = 2


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The instants at which every field has one of its values."""

    days: frozenset[int]
    years: frozenset[int]
    months: tuple[int, ...]
    month_days: tuple[int, ...]
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    zone: tzinfo

    def after(self, instant: datetime) -> datetime | None:
        """Return the first event later than `instant`, None when there is none any more."""
        start = instant.astimezone(self.zone)
        for year in sorted(self.years):
            if year < start.year:
                continue
            for event in self._of_year(year, start):
                if event > instant:
                    return event.astimezone(UTC)
        return None

    def _of_year(self, year: int, start: datetime) -> Iterator[datetime]:
        for month in self.months:
            for day in self.month_days:
                date = _date(year, month, day, zone=self.zone)
                if date is None or date.weekday() not in self.days or date.date() < start.date():
                    continue
                yield from self._of_day(date, start)

    def _of_day(self, date: datetime, start: datetime) -> Iterator[datetime]:
        same_day = date.date() == start.date()
        for hour in self.hours:
            if same_day and hour < start.hour:
                continue
            for minute in self.minutes:
                for second in self.seconds:
                    yield date.replace(hour=hour, minute=minute, second=second)


def parse_calendar(text: str) -> Calendar:
    """Return a calendar. Raises ValueError for what is none."""
    if not text.strip():
        raise ValueError("Failed to parse an empty calendar specification")
    words = _NAMED.get(text.strip().lower(), text.strip()).split()
    if len(words) == 1 and words[0].startswith("@"):
        return _absolute(words[0][1:])
    words, zone = _zone(words)
    days = _weekdays(words.pop(0)) if words and words[0][0].isalpha() else frozenset(range(7))
    date = words.pop(0) if words and "-" in words[0] else "*-*-*"
    time = words.pop(0) if words else "00:00:00"
    if words:
        raise ValueError(f"Failed to parse calendar specification: {text!r}")
    year, month, day = _split(date, "-", text)
    hour, minute, second = _split(time if time.count(":") > 1 else f"{time}:00", ":", text)
    return Calendar(
        days=days,
        years=frozenset(_values(year, *_YEARS)),
        months=_values(month, *_RANGES["month"]),
        month_days=_values(day, *_RANGES["day"]),
        hours=_values(hour, *_RANGES["hour"]),
        minutes=_values(minute, *_RANGES["minute"]),
        seconds=_values(second.partition(".")[0], *_RANGES["second"]),
        zone=zone,
    )


def _absolute(seconds: str) -> Calendar:
    at = datetime.fromtimestamp(float(seconds), UTC)
    return parse_calendar(f"{at:%Y-%m-%d %H:%M:%S} UTC")


def _zone(words: list[str]) -> tuple[list[str], tzinfo]:
    local = datetime.fromtimestamp(0, UTC).astimezone().tzinfo or UTC
    if len(words) < _FEWEST_PARTS or not re.fullmatch(r"[A-Za-z][A-Za-z_/+-]+", words[-1]):
        return words, local
    try:
        return words[:-1], UTC if words[-1] == "UTC" else ZoneInfo(words[-1])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"Failed to parse the time zone {words[-1]!r}") from error


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().rstrip(",").split(","):
        first, _, last = part.partition("..")
        low, high = _day(first), _day(last or first)
        found.update(range(low, high + 1))
    return frozenset(found)


def _day(name: str) -> int:
    if name[:3] not in _DAYS:
        raise ValueError(f"Failed to parse the day {name!r}")
    return _DAYS.index(name[:3])


def _split(text: str, mark: str, whole: str) -> tuple[str, str, str]:
    parts = text.split(mark)
    if mark == "-" and len(parts) == _FEWEST_PARTS:
        parts.insert(0, "*")
    if len(parts) != _FEWEST_PARTS + 1 or not all(parts):
        raise ValueError(f"Failed to parse calendar specification: {whole!r}")
    return parts[0], parts[1], parts[2]


def _values(text: str, low: int, high: int) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        base, slash, step = part.partition("/")
        first, dots, last = base.partition("..")
        try:
            begin = low if first == "*" else int(first)
            end = int(last) if dots else (high if first == "*" or slash else begin)
            found.update(range(begin, end + 1, int(step) if slash else 1))
        except ValueError as error:
            raise ValueError(f"Failed to parse {text!r} of a calendar specification") from error
    if not found or min(found) < low or max(found) > high:
        raise ValueError(f"{text!r} of a calendar specification is out of range")
    return tuple(sorted(found))


def _date(year: int, month: int, day: int, *, zone: tzinfo) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=zone)
    except ValueError:
        return None
