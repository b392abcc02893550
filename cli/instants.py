"""When a lease is to end, as people say it: `+2h`, `90m`, 18:00, an instant."""

import re
from datetime import datetime, timedelta

import msgspec

from cli.exits import Usage
from cli.flags import parse_flag_duration
from spawn.contracts.leases import parse_instant
from spawn.errors import Rejected

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


class NewEnd(msgspec.Struct, frozen=True, kw_only=True):
    """By how much a lease grows, or when it ends."""

    add: timedelta | None = None
    until: datetime | None = None


def read_end(when: str, *, until: str, at: str, now: datetime) -> NewEnd:
    """Read the argument or one of the flags; raise `Usage` unless exactly one says when."""
    if sum(map(bool, (when, until, at))) != 1:
        raise Usage(
            "say when: a duration such as +2h (added) or 90m (from now), --until 18:00,"
            " or --at 2026-12-01T00:00Z"
        )
    if when.startswith("+"):
        return NewEnd(add=parse_flag_duration("WHEN", when[1:] or "0s"))
    if when:
        return NewEnd(until=now + (parse_flag_duration("WHEN", when) or timedelta()))
    if until:
        return NewEnd(until=_next(until, now))
    try:
        return NewEnd(until=parse_instant(at))
    except Rejected as error:
        raise Usage(f"--at: {error.message}") from error


def _next(text: str, now: datetime) -> datetime:
    """Return the next instant at which local clocks show a time of day."""
    match = _TIME.fullmatch(text)
    hour, minute, second = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
    local = now.astimezone().replace(tzinfo=None)
    try:
        today = local.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError as error:
        raise Usage(f"--until: {text[:20]!r} is no time of day; write it like 18:00") from error
    # Without an offset until the day is known: that day may have another one.
    days = (today, today + timedelta(days=1))
    return min(shown for day in days for shown in _shown(day) if shown > now)


def _shown(local: datetime) -> list[datetime]:
    """Return when clocks here show this: twice if they are set back; later if it is left out."""
    instants = [local.replace(fold=fold).astimezone() for fold in (0, 1)]
    exact = [each for each in instants if each.replace(tzinfo=None, fold=0) == local]
    return exact or [max(instants)]
