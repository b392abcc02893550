"""Extensions that arrive about when their leases end, at a real bus and service.

An extension is granted, and then nothing is asked for before the new end; or it is refused, and
the lease ends as it would have. Meanwhile the service is killed with -9 and started again.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from spawn.bus.publish import Commands
from spawn.bus.stores import Store
from spawn.contracts import arrays
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import LeaseRefused, LeaseSet
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import SUBJECT_EXTEND, Extend
from spawn.contracts.leases import Lease
from tests.builders import an_array
from tests.faults.scale import FIGURES, TORTURE
from tests.fixtures.ttl_process import TtlProcess, ttl_process

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

RACES = 1000 if TORTURE else 100
APART = timedelta(milliseconds=10)
"""Between the ends of two leases."""

LEAD = timedelta(seconds=20) if TORTURE else timedelta(seconds=4)
WIDTH = 16
STEP = timedelta(milliseconds=5)
"""Extensions are sent from 80 ms before their lease ends to 80 ms after."""

ADDED = timedelta(seconds=5)
BACK = timedelta(seconds=60)
IDS = [ArrayId(f"race{number}-abcdefghijkl") for number in range(RACES)]


@pytest.mark.parametrize("is_killed", [True, False] if TORTURE else [True])
async def test_an_extension_is_kept_or_refused(tmp_path: Path, *, is_killed: bool) -> None:
    granted: list[ArrayId] = []
    refused: list[ArrayId] = []
    async with ttl_process(tmp_path) as ttl:
        first = ttl.bus.clock.now() + LEAD
        ends = {each: first + number * APART for number, each in enumerate(IDS)}
        await asyncio.gather(*(begin(ttl, each, until) for each, until in ends.items()))
        await ttl.until_armed(RACES)
        async with asyncio.TaskGroup() as racing:
            for number, (each, until) in enumerate(ends.items()):
                # The first few come long before, so that some are granted on any machine.
                ahead = LEAD if number < WIDTH else STEP * (number % (2 * WIDTH) - WIDTH)
                racing.create_task(extend(ttl, each, until - ahead - ttl.bus.clock.now()))
            if is_killed:
                await ttl.until(lambda: len(ttl.asked) >= RACES // 3, LEAD + BACK)
                ttl.kill()
                ttl.start()
        last = max(ends.values()) + ADDED - ttl.bus.clock.now()
        await ttl.until(lambda: len(ttl.asked) == RACES, last + BACK)
        async with asyncio.timeout(BACK.total_seconds()):
            while sorted([*granted, *refused]) != sorted(IDS):
                granted = await answers(ttl, "lease.set")
                refused = await answers(ttl, "lease.refused")
        expired = await ttl.all_told("lease.expired", RACES, BACK)
    assert granted, "some came in time"
    early = [
        each
        for each, until in ends.items()
        if min(at for _, at in ttl.asked[each]) < until + ADDED * (each in granted)
    ]
    assert early == [], "what was granted is kept"
    assert all(len({version for version, _ in ttl.asked[each]}) == 1 for each in IDS)
    assert sorted(each.array_id for each in expired) == sorted(IDS)
    how = "with a kill" if is_killed else "left alone"
    FIGURES.append(
        f"{RACES} extensions racing the end, {how}: {len(granted)} kept, {len(refused)} refused"
    )


async def begin(ttl: TtlProcess, array_id: ArrayId, until: datetime) -> None:
    """Write the array as the launcher does, and tell of it."""
    array = an_array(id=array_id, state=ArrayState.READY, chunks=(), lease=Lease(until))
    await Store(ttl.bus, arrays.BUCKET, Array).create(array_id, array)
    await ttl.accept(array_id, until)


async def extend(ttl: TtlProcess, array_id: ArrayId, wait: timedelta) -> None:
    await ttl.bus.clock.sleep(wait)
    wanted = Extend(request_id=array_id, array_id=array_id, add_seconds=int(ADDED.total_seconds()))
    await Commands(ttl.bus).send(SUBJECT_EXTEND, wanted, message_id=f"extend:{array_id}")


async def answers(ttl: TtlProcess, name: str) -> list[ArrayId]:
    """Return whose extensions were answered by events of this name."""
    return [
        event.array_id
        for event in await ttl.told(name)
        if isinstance(event.data, LeaseSet | LeaseRefused) and event.data.request_id
    ]
