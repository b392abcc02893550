"""The only reader of time in the agent's own process."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone


class Clock:
    """Wall clock, monotonic clock and sleep."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds since some instant, never going back."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Pause for `duration`."""
        await asyncio.sleep(max(duration.total_seconds(), 0))


def write_instant(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, to the microsecond."""
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; raises `ValueError` when it is none or has no offset."""
    # Python 3.9 takes neither `Z` nor fractions of other than 3 or 6 digits.
    body, _, fraction = text.strip().replace("Z", "+00:00").partition(".")
    if fraction:
        digits = fraction.split("+")[0].split("-")[0]
        body += "." + digits[:6].ljust(6, "0") + fraction[len(digits) :]
    instant = datetime.fromisoformat(body)
    if instant.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no offset from UTC")
    return instant.astimezone(timezone.utc)
