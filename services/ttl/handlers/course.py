"""Taking one lease as far as it goes now: whatever woke us, the same road."""

from typing import assert_never

from services.ttl import metrics
from services.ttl.apply import (
    act,
    create,
    forget,
    publish,
    set_timer,
    tell_machines,
    write,
)
from services.ttl.model import Act, Expire, Wait, Warn
from services.ttl.plan.course import first_record, next_step
from services.ttl.ports import World
from spawn.bus.ports import Due, Entry, Fact
from spawn.contracts.events import ArrayAccepted
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, Occasion
from spawn.contracts.leases import Lease
from spawn.errors import Conflict, NotFound
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)


async def on_accepted(fact: Fact, world: World) -> None:
    """Give a new array its lease."""
    event = fact.event
    if isinstance(event.data, ArrayAccepted):
        with bind(array_id=event.array_id):
            await begin(world, event.array_id, event.data.lease)


async def on_ended(fact: Fact, world: World) -> None:
    """Forget the lease of an array that is over: its record says whether it is."""
    array_id = fact.event.array_id
    try:
        array = (await world.stores.arrays.get(array_id)).value
    except NotFound:
        # A launch that was refused, or an array whose record is gone already.
        await forget(world, array_id)
        return
    if array.state.is_over:
        await forget(world, array_id)


async def on_due(due: Due[Occasion], world: World) -> None:
    """Look at a lease whose timer is due."""
    record, revision = due.body.record, due.body.revision
    with bind(array_id=record.array_id):
        await look(world, Entry(record.key, record, revision))


async def begin(world: World, array_id: ArrayId, lease: Lease) -> None:
    """Make an array's lease unless it has one, and look at it."""
    await look(
        world, await create(world, first_record(array_id, lease, deployment=world.deployment))
    )


async def look(world: World, entry: Entry[LeaseRecord]) -> None:
    """Take a lease as far as it goes; an entry that is not the newest costs one more read."""
    known: Entry[LeaseRecord] | None = entry
    while known is not None:
        try:
            known = await _take_step(world, known)
        except Conflict:
            known = await _read(world, entry.key)


async def _take_step(world: World, entry: Entry[LeaseRecord]) -> Entry[LeaseRecord] | None:
    """Do what is next; return the record to go on with, None when there is nothing more."""
    record = entry.value
    step = next_step(record, world.clock.now())
    match step:
        case Wait(at=at):
            await publish(world, record)
            return None if await set_timer(world, entry, at) else await _read(world, entry.key)
        case Warn(record=after):
            written = await write(world, entry, after)
            metrics.WARNED.inc()
            await tell_machines(world, after)
            return written
        case Expire(record=after):
            written = await write(world, entry, after)
            metrics.EXPIRED.inc()
            _log.info("lease over", until=record.lease.until.isoformat())
            return written
        case Act():
            await act(world, record)
            late = world.clock.now() - record.lease.until
            metrics.LATENESS.observe(late.total_seconds())
            await publish(world, record)
            return None
        case _:
            assert_never(step)


async def _read(world: World, key: str) -> Entry[LeaseRecord] | None:
    try:
        return await world.stores.leases.get(key)
    except NotFound:
        return None
