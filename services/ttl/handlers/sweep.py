"""The sweep: leases, timers and arrays are compared, and what is missing is made good."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TypeVar

from services.ttl import metrics
from services.ttl.apply import forget, forget_one, publish, timer_key, timer_name
from services.ttl.handlers.course import begin, look
from services.ttl.ports import World
from spawn.bus.ports import CaughtUp, Entry, StorePort
from spawn.clock import Clock
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState, lease_key
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

_AT_ONCE, _PAUSES = 100, 4
"""Records read in a row, and how many times as long others then have their turn: leases that end
meanwhile must not wait for a sweep."""

_DUPLICATES = timedelta(minutes=25)
"""Age up to which an event may be published again: below the stream's window of 30 minutes."""

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
        held = _Held()
        await _sweep_leases(world, work, timers, held, is_first=is_first)
        await _sweep_own(world, work, timers, held, is_first=is_first)
        await _look_at_untimed(world, work, held)
        await _sweep_arrays(world, work, held)
    for timer in timers:
        await _drop_timer(world, timer)
    _set_gauges(held.ending)
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
        self.own: set[str] = set()
        self.untimed: set[str] = set()
        self.unanswered: dict[str, Entry[LeaseRecord]] = {}
        self.stale: set[str] = set()
        self.ending: Counter[timedelta] = Counter()

    def count(self, record: LeaseRecord, now: datetime) -> None:
        """Count a lease: among all, and those that end as soon."""
        left = record.lease.until - now
        self.ending.update(within for within in _HORIZONS if left <= within)


async def _sweep_leases(
    world: World, work: _Work, timers: set[str], held: _Held, *, is_first: bool
) -> None:
    """Look at arrays' leases; take from `timers` those that have one."""
    async with aclosing(_existing(world.stores.leases, "*", world.clock)) as entries:
        async for entry in entries:
            record, now = entry.value, world.clock.now()
            await _repair(world, work, entry, timers, held, is_first=is_first)
            # Where ranks outlive it, the launcher goes by their leases and looks at the rest.
            if not record.own and _is_unanswered(record, now):
                held.unanswered[entry.key] = entry
            held.all.add(entry.key)
            held.count(record, now)
            held.own.update(lease_key(record.array_id, rank) for rank in record.own)
            if now - record.lease.until > _STALE:
                held.stale.add(entry.key)


async def _sweep_own(
    world: World, work: _Work, timers: set[str], held: _Held, *, is_first: bool
) -> None:
    """Look at members' own leases that count: those that their arrays list."""
    async with aclosing(_existing(world.stores.leases, "*.*", world.clock)) as entries:
        async for entry in entries:
            record, now = entry.value, world.clock.now()
            if entry.key in held.own:
                held.count(record, now)
                await _repair(world, work, entry, timers, held, is_first=is_first)
                if _is_unanswered(record, now) and await _goes_on(world, entry.key):
                    await work.look(entry, "not acted on")
            elif record.array_id not in held.all and now - record.lease.until > _STALE:
                await forget_one(world, record.array_id, record.rank)


async def _repair(  # noqa: PLR0913 - one entry, and all that a sweep knows
    world: World,
    work: _Work,
    entry: Entry[LeaseRecord],
    timers: set[str],
    held: _Held,
    *,
    is_first: bool,
) -> None:
    """Look at a lease that is overdue, note one without a timer; take its timer from `timers`."""
    record, now = entry.value, world.clock.now()
    timer, late = timer_name(record.array_id, record.rank), now - record.lease.until
    if is_first and _may_be_missing(record, now):
        await publish(world, record)
    if record.state is LeaseState.ARMED and late > _PATIENCE:
        await work.look(entry, "overdue")
    elif record.state is LeaseState.ARMED and timer not in timers and late < timedelta(0):
        held.untimed.add(entry.key)
    timers.discard(timer)


async def _look_at_untimed(world: World, work: _Work, held: _Held) -> None:
    """Look at leases that have no timer: most were only set since the sweep began."""
    timers = await world.schedules.names() if held.untimed else frozenset[str]()
    for key in held.untimed:
        array_id, _, rank = key.partition(".")
        if timer_name(ArrayId(array_id), int(rank) if rank else None) not in timers:
            try:
                entry = await world.stores.leases.get(key)
            except NotFound:
                continue
            await work.look(entry, "no timer")


def _is_unanswered(record: LeaseRecord, now: datetime) -> bool:
    return record.state is LeaseState.EXPIRING and now - record.lease.until > _ASK_AGAIN


async def _goes_on(world: World, key: str) -> bool:
    """Say whether a member's machine has not even been asked to end, and is not off."""
    try:
        member = (await world.stores.members.get(key)).value
    except NotFound:
        return False
    return not member.is_over and not member.ending and not member.is_stopped


def _set_gauges(ending: Mapping[timedelta, int]) -> None:
    metrics.LEASES.set(ending.get(_EVER, 0))
    metrics.OVERDUE.set(ending.get(_OVERDUE, 0))
    for name, within in ENDING_WITHIN.items():
        metrics.ENDING.labels(name).set(ending.get(within, 0))


async def _sweep_arrays(world: World, work: _Work, held: _Held) -> None:
    """Give arrays their leases, and forget those of arrays that are over."""
    async with aclosing(_existing(world.stores.arrays, "*", world.clock)) as entries:
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
            elif _is_unheard(array, held.unanswered.get(array.id)):
                await work.look(held.unanswered[array.id], "not acted on")
    for array_id in held.stale:
        await forget(world, ArrayId(array_id))


def _is_unheard(array: Array, over: Entry[LeaseRecord] | None) -> bool:
    """Say whether the launcher has neither ended an array nor put its machines off at its end."""
    if over is None or array.ending is not None:
        return False
    return array.rested_at != over.value.lease.until


async def _drop_timer(world: World, timer: str) -> None:
    """Cancel a timer that has no lease: one that was made meanwhile has."""
    try:
        await world.stores.leases.get(lease_key(*timer_key(timer)))
    except NotFound:
        metrics.REPAIRS.labels("no lease for a timer").inc()
        await world.schedules.cancel(timer)


def _may_be_missing(record: LeaseRecord, now: datetime) -> bool:
    return any(now - event.time < _DUPLICATES for event in record.outbox)


async def _existing(store: StorePort[T], pattern: str, clock: Clock) -> AsyncGenerator[Entry[T]]:
    """Yield what there is, one after the other, holding none of it, and leave time for others."""
    read, begun = 0, clock.monotonic()
    async with aclosing(store.watch(pattern)) as changes:
        async for change in changes:
            if isinstance(change, Entry):
                yield change
            elif isinstance(change, CaughtUp):
                return
            read += 1
            if read % _AT_ONCE == 0:
                await clock.sleep(_PAUSES * timedelta(seconds=clock.monotonic() - begun))
                begun = clock.monotonic()
