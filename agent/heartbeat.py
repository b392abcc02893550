"""Heartbeats: how idle the machine is, and which lease its dead-man switch has."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from agent import deadman
from agent.clock import read_instant, write_instant
from agent.journal import JobFolder
from agent.outbox import Outbox
from agent.signals import Counters, compare, read_counters
from agent.state import Machine, Orders

EVERY = timedelta(seconds=60)


async def beat(machine: Machine, orders: Orders, outbox: Outbox, job: JobFolder) -> None:
    """Report once a minute, for ever."""
    before = await asyncio.to_thread(_counters, machine, job)
    while True:
        await machine.clock.sleep(EVERY)
        now = await asyncio.to_thread(_counters, machine, job)
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
        before = now


def _counters(machine: Machine, job: JobFolder) -> Counters:
    return read_counters(machine.clock.monotonic(), job.group())
