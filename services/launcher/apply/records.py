"""Writing records: state and the events that it causes in one compare-and-set, then publishing.

Before a record is replaced, the events of the one before are on the bus; so a crash between any
two calls loses none of them, and what is published twice is recognised by its id.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from services.launcher.model import MemberChange
from services.launcher.ports import World
from spawn.bus.ports import Entry
from spawn.contracts.arrays import Array
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Member, member_key
from spawn.errors import Conflict, NotFound, Outcome, Transient, first_outcome

_MOST_TRIES = 50
_SIDE_BY_SIDE = 64
"""Member writes under way at once: enough to hide the round trip, few enough to stay fair."""

SETTLING = timedelta(minutes=1)
"""Age at which what any replica has written is surely known to all."""

DUPLICATES = timedelta(minutes=25)
"""Age up to which an event may be published again: below the stream's window of 30 minutes."""


async def write_array(world: World, array_id: ArrayId, change: Callable[[Array], Array]) -> Array:
    """Replace an array's record by `change(record)` and publish the events that it causes.

    `change` is asked again when another writer was first; when it returns the record unchanged
    nothing is written. Raises what `change` raises, and `NotFound` for an unknown array.
    """
    # Before the lock is made, so that none is kept for an array that there is not.
    known = world.fleet.array(array_id) or await world.stores.arrays.get(array_id)
    async with world.memory.locks[array_id]:
        entry = world.fleet.array(array_id) or known
        for _ in range(_MOST_TRIES):
            after = change(entry.value)
            if after is entry.value:
                return after
            await _publish(world, array_id, entry.value.version, entry.value.outbox)
            try:
                revision = await world.stores.arrays.update(array_id, after, entry.revision)
            except Conflict:
                entry = await world.stores.arrays.get(array_id)
                world.fleet.note_array(entry)
                continue
            world.fleet.note_array(Entry(array_id, after, revision))
            await _publish(world, array_id, after.version, after.outbox)
            return after
    raise Transient(f"{array_id}: others write its record all the time")


async def create_array(world: World, array: Array) -> None:
    """Write an array's first record; raise `Conflict` when it exists."""
    revision = await world.stores.arrays.create(array.id, array)
    world.fleet.note_array(Entry(array.id, array, revision))
    await _publish(world, array.id, array.version, array.outbox)


async def write_members(world: World, changes: Iterable[MemberChange]) -> tuple[Member, ...]:
    """Write members' next records and publish their events; return those that were written.

    A record that another writer changed first is read again and left for the next look.
    """
    limit = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def write(change: MemberChange) -> Member | None:
        async with limit:
            return await _write_member(world, change.member)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(write(change)) for change in changes]
    except* Outcome as outcomes:
        raise first_outcome(outcomes) from None
    return tuple(member for task in tasks if (member := task.result()) is not None)


async def _write_member(world: World, member: Member) -> Member | None:
    key = member_key(member.array_id, member.rank)
    before = world.fleet.member(member.array_id, member.rank)
    if before is not None and before.value.version >= member.version:
        return None
    try:
        if before is None:
            revision = await world.stores.members.create(key, member)
        else:
            await _publish_missing(world, before.value)
            revision = await world.stores.members.update(key, member, before.revision)
    except Conflict:
        await refresh_member(world, key)
        return None
    world.fleet.note_member(Entry(key, member, revision))
    await _publish(world, key, member.version, member.outbox)
    return member


async def refresh_member(world: World, key: str) -> None:
    """Take over the bucket's own state of a member."""
    try:
        world.fleet.note_member(await world.stores.members.get(key))
    except NotFound:
        return


async def refresh(world: World, array_id: ArrayId) -> None:
    """Take over the buckets' own state of an array, its lease and its members."""
    try:
        world.fleet.note_array(await world.stores.arrays.get(array_id))
    except NotFound:
        return
    # Until the TTL service has made it, the array's own says the same.
    with suppress(NotFound):
        lease = await world.stores.leases.get(array_id)
        world.fleet.note_lease(lease)
        if lease.value.own:
            for entry in (await world.stores.leases.load(f"{array_id}.*")).values():
                world.fleet.note_lease(entry)
    for entry in (await world.stores.members.load(f"{array_id}.*")).values():
        world.fleet.note_member(entry)


async def publish_left_over(world: World, array_id: ArrayId) -> None:
    """Publish what a crash may have left in the records of an array and its members."""
    entry = world.fleet.array(array_id)
    if entry is None:
        return
    await _publish(world, array_id, entry.value.version, entry.value.outbox)
    for member in world.fleet.members(array_id).values():
        await _publish_missing(world, member)


async def _publish_missing(world: World, member: Member) -> None:
    entry, now = world.fleet.array(member.array_id), world.clock.now()
    until = entry.value.published_until if entry else None
    if any(_may_be_missing(event, until, now) for event in member.outbox):
        key = member_key(member.array_id, member.rank)
        await _publish(world, key, member.version, member.outbox)


def _may_be_missing(event: Event, published_until: datetime | None, now: datetime) -> bool:
    if now - event.time < DUPLICATES:
        return True
    return published_until is None or event.time > published_until


async def _publish(world: World, key: str, version: int, outbox: tuple[Event, ...]) -> None:
    if outbox and world.memory.published.get(key, 0) < version:
        await world.events.publish_many(outbox)
        world.memory.published[key] = version
