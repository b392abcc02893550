"""Heartbeats: how idle the machine is, and which lease its dead-man switch has.

One comes out of turn as soon as another lease is armed: somebody waits to hear of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Callable

from agent import deadman
from agent.clock import read_instant, write_instant
from agent.outbox import Outbox
from agent.signals import Counters, compare, read_counters
from agent.state import Machine, Orders

EVERY = timedelta(seconds=60)


async def beat(
    machine: Machine, orders: Orders, outbox: Outbox, sessions: Callable[[], Collection[int]]
) -> None:
    """Report once a minute and whenever a lease has been armed, for ever.

    `sessions` are those of the job and of what else was asked for.
    """
    before = await asyncio.to_thread(_counters, machine, sessions())
    due = machine.clock.monotonic() + EVERY.total_seconds()
    while True:
        is_due = await _until(orders.armed, due - machine.clock.monotonic())
        now = await asyncio.to_thread(_counters, machine, sessions())
        assignment = await orders.until(lambda _: True)
        body: dict[str, Any] = {
            "generation": assignment.generation,
            "at": write_instant(machine.clock.now()),
            **compare(before, now),
        }
        armed = deadman.armed_lease(machine.places)
        if armed:
            body["armed_lease"] = write_instant(read_instant(armed))
        await outbox.put("heartbeat", body)
        if is_due:
            # Out of turn, the window goes on: a short one would say little of idleness.
            before = now
            due = machine.clock.monotonic() + EVERY.total_seconds()


async def _until(armed: asyncio.Event, seconds: float) -> bool:
    """Wait until it is time for a heartbeat; say whether that is in turn."""
    try:
        await asyncio.wait_for(armed.wait(), max(seconds, 0))
    except asyncio.TimeoutError:
        return True
    armed.clear()
    return False


def _counters(machine: Machine, sessions: Collection[int]) -> Counters:
    return read_counters(machine.config.root, machine.clock.monotonic(), sessions)
