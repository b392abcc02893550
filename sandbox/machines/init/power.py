"""Turning a machine off: `shutdown` with its times, and what ends its init.

https://www.freedesktop.org/software/systemd/man/latest/shutdown.html
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from spawn.clock import Clock, wait_event

Will = Literal["end", "poweroff", "reboot"]
_GRACE = timedelta(seconds=3)
"""How long processes get to end by themselves when the machine goes down."""
_MINUTES_A_DAY = 24 * 60


class Down(msgspec.Struct, frozen=True):
    """How the machine goes down, and how long its processes get for it."""

    will: Will
    grace: timedelta = _GRACE


class Shutdown(msgspec.Struct, frozen=True):
    """What `shutdown` was asked for; no `at` means at once."""

    will: Will = "poweroff"
    at: datetime | None = None
    cancel: bool = False


class Power:
    """Decides when the machine goes down, once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self.scheduled: Shutdown | None = None
        self.down: asyncio.Future[Down] = asyncio.get_running_loop().create_future()

    def go_down(self, down: Down) -> None:
        """Go down now; the first of several counts."""
        if not self.down.done():
            self.down.set_result(down)

    def schedule(self, shutdown: Shutdown) -> None:
        """Go down later, in place of what was scheduled before, or not at all."""
        self.scheduled = None if shutdown.cancel else shutdown
        self._changed.set()

    async def keep_time(self) -> None:
        """Do what is scheduled, for ever."""
        while True:
            self._changed.clear()
            left = timedelta(hours=1)
            if self.scheduled is not None and self.scheduled.at is not None:
                left = self.scheduled.at - self._clock.now()
                if left <= timedelta(0):
                    self.go_down(Down(self.scheduled.will))
                    return
            await wait_event(self._changed, min(left, timedelta(seconds=30)))


def parse_shutdown(arguments: list[str], now: datetime) -> Shutdown:
    """Read the arguments of `shutdown`. Raises ValueError with what it would say."""
    will: Will = "poweroff"
    when = ""
    for argument in arguments:
        match argument:
            case "-c":
                return Shutdown(cancel=True)
            case "-r" | "--reboot":
                will = "reboot"
            case "-P" | "--poweroff" | "-h" | "-H" | "--halt" | "-k" | "--no-wall" | "-f":
                pass
            case _ if argument.startswith("-"):
                raise ValueError(f"shutdown: unrecognized option '{argument}'")
            case _:
                when = when or argument
    return Shutdown(will, _instant(when or "+1", now))


def _instant(when: str, now: datetime) -> datetime | None:
    if when in {"now", "+0", "0"}:
        return None
    if when.removeprefix("+").isdecimal():
        return now + timedelta(minutes=int(when.removeprefix("+")))
    hour, mark, minute = when.partition(":")
    if not mark or not hour.isdecimal() or not minute.isdecimal():
        raise ValueError(f"Failed to parse time specification: {when}")
    local = now.astimezone()
    at = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return at if at > local else at + timedelta(minutes=_MINUTES_A_DAY)
