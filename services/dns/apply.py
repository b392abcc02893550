"""The DNS service's writes: changes of the zone, records of what resolves, and their events."""

import asyncio
from collections.abc import Callable

import msgspec

from services.dns import metrics
from services.dns.ports import World, ZonePort
from spawn.bus.ports import Deleted, Entry
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId
from spawn.contracts.zones import Change
from spawn.errors import Conflict, NotFound, Outcome, Transient

_MOST_TRIES = 20


async def change_zone(zone: ZonePort, changes: tuple[Change, ...]) -> str:
    """Make an atomic change; return by what its progress is asked for. Raises an `Outcome`."""
    try:
        change_id = await zone.change(changes)
    except Outcome as outcome:
        metrics.CHANGES.labels(outcome.cause.value).inc()
        raise
    metrics.CHANGES.labels("ok").inc()
    metrics.EDITED.inc(sum(1 for each in changes if each.before is not each.after))
    return change_id


async def tell(
    world: World, array_id: ArrayId, change: Callable[[Hostnames | None], Hostnames | None]
) -> None:
    """Replace an array's record by `change(record)`, and publish the events that it causes.

    `change` is asked again when another writer was first; None, or the same record, writes
    nothing.
    """
    # Many notices of one array come at once: against one another they would compare and lose.
    async with world.memory.writing.setdefault(array_id, asyncio.Lock()):
        await _tell(world, array_id, change)


async def _tell(
    world: World, array_id: ArrayId, change: Callable[[Hostnames | None], Hostnames | None]
) -> None:
    for _ in range(_MOST_TRIES):
        entry = world.memory.hostnames.get(array_id)
        before = entry.value if entry else None
        after = change(before)
        if after is None or after is before:
            return
        try:
            written = await _write(world, after, entry)
        except Conflict:
            await _refresh(world, array_id)
            continue
        await publish(world, written)
        return
    raise Transient(f"{array_id}: others write its names all the time")


async def publish(world: World, entry: Entry[Hostnames]) -> None:
    """Publish what a record's writes have caused, and clear it."""
    if not entry.value.outbox:
        return
    await world.events.publish_many(entry.value.outbox)
    try:
        await _write(world, msgspec.structs.replace(entry.value, outbox=()), entry)
    except Conflict:
        # Its next record holds these events, too; published again they are recognised.
        await _refresh(world, entry.value.array_id)


async def forget(world: World, entry: Entry[Hostnames]) -> None:
    """Delete the record of an array that has no names and will have none."""
    try:
        await world.stores.hostnames.delete(entry.key, entry.revision)
    except Conflict:
        await _refresh(world, entry.value.array_id)
    else:
        world.memory.note_hostnames(Deleted(entry.key, entry.revision + 1))


async def _write(
    world: World, record: Hostnames, entry: Entry[Hostnames] | None
) -> Entry[Hostnames]:
    key, store = record.array_id, world.stores.hostnames
    revision = (
        await store.create(key, record)
        if entry is None
        else await store.update(key, record, entry.revision)
    )
    written = Entry[Hostnames](key, record, revision)
    world.memory.note_hostnames(written)
    return written


async def _refresh(world: World, array_id: ArrayId) -> None:
    try:
        world.memory.note_hostnames(await world.stores.hostnames.get(array_id))
    except NotFound:
        world.memory.hostnames.note_deleted(array_id)
