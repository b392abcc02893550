"""The sweep: leases, timers and arrays are compared, and what is missing is made good."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TypeVar

from services.ttl import metrics
from services.ttl.apply import forget, publish, timer_name
from services.ttl.handlers.course import begin, look
from services.ttl.ports import World
from spawn.bus.ports import CaughtUp, Entry, StorePort
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState
from spawn.errors import NotFound
from spawn.telemetry.log import get_logger

T = TypeVar("T")

_log = get_logger(__name__)

_SIDE_BY_SIDE = 500
"""Leases looked at at once: as many as one command to the launcher names."""

_PATIENCE = timedelta(seconds=5)
"""How long after its end a lease is left to its timer."""

_ASK_AGAIN = timedelta(seconds=30)
"""How long after its end an array may go on before the launcher is asked again."""

_STALE = timedelta(hours=1)
"""How long after its end the lease of an array without a record is kept."""

_DUPLICATES = timedelta(minutes=25)

ENDING_WITHIN = {
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}
"""Horizons by which leases are counted, under the names that they have in the metric."""

_EVER = timedelta.max
_OVERDUE = -timedelta(minutes=1)
_HORIZONS = (*ENDING_WITHIN.values(), _EVER, _OVERDUE)
"""Age up to which an event may be published again: below the stream's window of 30 minutes."""


async def keep_swept(world: World) -> None:
    """Sweep now and then, by one replica; the first sweep publishes what a crash left.

    Runs until it is cancelled.
    """
    while True:
        async with world.fences.hold("ttl.sweep") as fence:
            is_first = True
            while fence is not None and not fence.is_lost:
                await sweep(world, is_first=is_first)
                is_first = False
                await world.clock.sleep(world.settings.lease_sweep)
        # Whoever sweeps now counts; old figures here would stand beside his.
        _set_gauges(Counter())
        await world.clock.sleep(world.settings.lease_sweep)


async def sweep(world: World, *, is_first: bool = False) -> None:
    """Give every living array a lease with a timer, and act on leases that are overdue."""
    timers = set(await world.schedules.names())
    async with asyncio.TaskGroup() as group:
        work = _Work(world, group)
        held = await _sweep_leases(world, work, timers, is_first=is_first)
        await _sweep_arrays(world, work, held)
    for timer in timers:
        await _drop_timer(world, ArrayId(timer.partition(".")[0]))
    metrics.SWEPT.set(world.clock.now().timestamp())


class _Work:
    """Leases that are looked at side by side, but not too many."""

    def __init__(self, world: World, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._group = group
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def look(self, entry: Entry[LeaseRecord], repair: str) -> None:
        """Look at a lease, in a while."""
        await self._turns.acquire()
        metrics.REPAIRS.labels(repair).inc()
        self._group.create_task(self._look(entry))

    async def _look(self, entry: Entry[LeaseRecord]) -> None:
        try:
            await look(self._world, entry)
        finally:
            self._turns.release()


class _Held:
    """What is remembered of leases until the arrays have been read: ids, no records."""

    def __init__(self) -> None:
        self.all: set[str] = set()
        self.unanswered: dict[str, Entry[LeaseRecord]] = {}
        self.stale: set[str] = set()
        self.ending: Counter[timedelta] = Counter()

    def count(self, record: LeaseRecord, now: datetime) -> None:
        """Count a lease: among all, and those that end as soon."""
        left = record.lease.until - now
        self.ending.update(within for within in _HORIZONS if left <= within)


async def _sweep_leases(world: World, work: _Work, timers: set[str], *, is_first: bool) -> _Held:
    """Look at leases without a timer or overdue; take from `timers` those that have a lease."""
    held = _Held()
    async with aclosing(_existing(world.stores.leases, ">")) as entries:
        async for entry in entries:
            record, now = entry.value, world.clock.now()
            timer = timer_name(record.array_id)
            if is_first and _may_be_missing(record, now):
                await publish(world, record)
            late = now - record.lease.until
            if record.state is LeaseState.EXPIRING and late > _ASK_AGAIN:
                held.unanswered[entry.key] = entry
            elif record.state is LeaseState.ARMED and late > _PATIENCE:
                await work.look(entry, "overdue")
            elif record.state is LeaseState.ARMED and timer not in timers and late < timedelta(0):
                await work.look(entry, "no timer")
            timers.discard(timer)
            held.all.add(entry.key)
            held.count(record, now)
            if late > _STALE:
                held.stale.add(entry.key)
    _set_gauges(held.ending)
    return held


def _set_gauges(ending: Mapping[timedelta, int]) -> None:
    metrics.LEASES.set(ending.get(_EVER, 0))
    metrics.OVERDUE.set(ending.get(_OVERDUE, 0))
    for name, within in ENDING_WITHIN.items():
        metrics.ENDING.labels(name).set(ending.get(within, 0))


async def _sweep_arrays(world: World, work: _Work, held: _Held) -> None:
    """Give arrays their leases, and forget those of arrays that are over."""
    async with aclosing(_existing(world.stores.arrays, "*")) as entries:
        async for entry in entries:
            array = entry.value
            held.stale.discard(array.id)
            if array.state.is_over:
                if array.id in held.all:
                    await forget(world, array.id)
                held.unanswered.pop(array.id, None)
            elif array.id not in held.all:
                metrics.REPAIRS.labels("no lease").inc()
                await begin(world, array.id, array.lease)
            elif array.ending is None and array.id in held.unanswered:
                await work.look(held.unanswered[array.id], "not acted on")
    for array_id in held.stale:
        await forget(world, ArrayId(array_id))


async def _drop_timer(world: World, array_id: ArrayId) -> None:
    """Cancel a timer that has no lease: one that was made meanwhile has."""
    try:
        await world.stores.leases.get(array_id)
    except NotFound:
        metrics.REPAIRS.labels("no lease for a timer").inc()
        await world.schedules.cancel(timer_name(array_id))


def _may_be_missing(record: LeaseRecord, now: datetime) -> bool:
    return any(now - event.time < _DUPLICATES for event in record.outbox)


async def _existing(store: StorePort[T], pattern: str) -> AsyncGenerator[Entry[T]]:
    """Yield what there is, one after the other, holding none of it."""
    async with aclosing(store.watch(pattern)) as changes:
        async for change in changes:
            if isinstance(change, Entry):
                yield change
            elif isinstance(change, CaughtUp):
                return
