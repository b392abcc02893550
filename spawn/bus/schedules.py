"""Durable timers: JetStream's message schedules, which outlive every process of ours.

A timer is a message on `spawn.timer.<array>.<what>`; at its instant the server itself stores the
body on `spawn.due.<array>.<what>`, never before, and takes the timer away. Publishing on its
subject again replaces a timer; purging its subject cancels it
(https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-51.md).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.identity import new_id
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.stores import check_key
from spawn.bus.streams import TIMERS

_TIMER, _DUE = "spawn.timer.", "spawn.due."
_DUE_KEPT = "24h"
"""How long a due timer waits to be heard; who was away longer finds out by looking."""

_PATIENCE = timedelta(seconds=30)


class _State(msgspec.Struct, frozen=True):
    subjects: dict[str, int] | None = None


class _Info(msgspec.Struct, frozen=True):
    state: _State
    total: int = 0


class Schedules:
    """Timers, each named `<array>.<what>`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def set(self, timer: str, at: datetime, body: msgspec.Struct) -> None:
        """Set a timer, in place of what it was set to; a past instant is due at once.

        Raises `Transient` when the bus does not answer: it may then be set or not.
        """
        headers = {
            MESSAGE_ID: new_id(),
            "Nats-Schedule": f"@at {at.astimezone(UTC).isoformat()}",
            "Nats-Schedule-Target": due_subject(timer),
            "Nats-Schedule-TTL": _DUE_KEPT,
        }
        subject = f"{_TIMER}{check_key(timer)}"
        await self._bus.js.publish(
            subject, codec.encode(body, field=timer), headers=headers, patience=_PATIENCE
        )

    async def cancel(self, timer: str) -> None:
        """Have a timer never be due; one that is not set is no failure."""
        body = {"filter": f"{_TIMER}{check_key(timer)}"}
        await self._bus.js.call(
            f"STREAM.PURGE.{TIMERS}", body, answer=dict[str, Any], subject=timer
        )

    async def names(self) -> frozenset[str]:
        """Return the names of all timers that are set."""
        found: dict[str, int] = {}
        while True:
            info = await self._bus.js.call(
                f"STREAM.INFO.{TIMERS}",
                {"subjects_filter": f"{_TIMER}>", "offset": len(found)},
                answer=_Info,
                subject=TIMERS,
            )
            page = info.state.subjects or {}
            found |= page
            if not page or len(found) >= info.total:
                return frozenset(name.removeprefix(_TIMER) for name in found)


def due_subject(timer: str) -> str:
    """Return the subject on which a timer is due."""
    return f"{_DUE}{timer}"


def timer_of(subject: str) -> str:
    """Return the name of the timer that is due on a subject."""
    return subject.removeprefix(_DUE)
