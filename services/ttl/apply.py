"""The TTL service's writes: records with their events, timers, and what the launcher is asked."""

from datetime import datetime

import msgspec

from services.ttl.plan.changes import give_own
from services.ttl.ports import World
from spawn.bus.identity import new_id
from spawn.bus.ports import Entry
from spawn.contracts.assignments import Tell, tell_all_subject, tell_subject
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import (
    MOST_EXPIRED,
    SUBJECT_EXPIRE,
    Expire,
    LeaseRecord,
    Occasion,
    Over,
    lease_key,
)
from spawn.contracts.members import member_key
from spawn.errors import Conflict, NotFound, Outcome
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def create(world: World, record: LeaseRecord) -> Entry[LeaseRecord]:
    """Write a lease's first record; return the one that there is already, if so."""
    try:
        revision = await world.stores.leases.create(record.key, record)
    except Conflict:
        return await world.stores.leases.get(record.key)
    return Entry(record.key, record, revision)


async def give_own_lease(
    world: World, parent: Entry[LeaseRecord], first: LeaseRecord, rank: int
) -> tuple[Entry[LeaseRecord], Entry[LeaseRecord]]:
    """Write a rank's own lease and list it in its array's; return both, the array's last.

    It is listed by a write that competes with the end of the array's lease: from then on the rank
    does not end with its array, and before that nothing is confirmed. Raises `Conflict` as `write`
    does, and `Rejected` when the array's lease is over.
    """
    listed = give_own(parent.value, rank, world.clock.now())
    entry = await create(world, first)
    if (entry.value.lease, entry.value.state) != (first.lease, first.state):
        # Left by a change that was not finished, and never counted.
        again = msgspec.structs.replace(first, version=entry.value.version + 1)
        entry = await write(world, entry, again)
    return entry, await write(world, parent, listed)


async def write(
    world: World, before: Entry[LeaseRecord], after: LeaseRecord
) -> Entry[LeaseRecord]:
    """Replace a lease's record once its events are on the bus; raise `Conflict` when it changed.

    The events of `after` are then still to be published.
    """
    await publish(world, before.value)
    revision = await world.stores.leases.update(before.key, after, before.revision)
    return Entry(before.key, after, revision)


async def publish(world: World, record: LeaseRecord) -> None:
    """Publish the events that a record's last write caused; twice is once."""
    if record.outbox:
        await world.events.publish_many(record.outbox)


async def set_timer(world: World, entry: Entry[LeaseRecord], at: datetime) -> bool:
    """Have a lease be looked at again at `at`; say whether its record is still this one.

    Otherwise the timer of the newer record may have been replaced by this one.
    """
    bare = msgspec.structs.replace(entry.value, outbox=())
    occasion = Occasion(record=bare, revision=entry.revision)
    await world.schedules.set(timer_name(entry.value.array_id, entry.value.rank), at, occasion)
    try:
        return (await world.stores.leases.get(entry.key)).revision == entry.revision
    except NotFound:
        return False


async def forget(world: World, array_id: ArrayId) -> None:
    """Delete an array's lease, its members' own and their timers; gone already is no failure."""
    try:
        own = (await world.stores.leases.get(array_id)).value.own
    except NotFound:
        own = ()
    # The list last: it says what there is to delete.
    for rank in own:
        await forget_one(world, array_id, rank)
    await forget_one(world, array_id)


async def forget_one(world: World, array_id: ArrayId, rank: int | None = None) -> None:
    """Delete one lease's record and its timer; what is gone already is no failure."""
    key = lease_key(array_id, rank)
    try:
        entry = await world.stores.leases.get(key)
        await world.stores.leases.delete(key, entry.revision)
    except NotFound:
        # Never made, or deleted before: its timer may be there all the same.
        pass
    await world.schedules.cancel(timer_name(array_id, rank))


async def name_ends(world: World) -> None:
    """Name leases that are over to the launcher, many in one command; runs until cancelled."""
    while True:
        await world.ends.asked.wait()
        overs = world.ends.first(MOST_EXPIRED)
        try:
            # An id of its own: asked again after a while it must not be taken for a copy.
            await world.commands.send(
                SUBJECT_EXPIRE, Expire(leases=overs), message_id=f"expire:{new_id()}"
            )
        except Outcome as outcome:
            world.ends.settle(overs, outcome)
            _log.warning("ends not stored", count=len(overs), why=outcome.message)
        else:
            world.ends.settle(overs)
            _log.info("ends stored", count=len(overs))


async def act(world: World, record: LeaseRecord) -> None:
    """Ask the launcher to act on a lease that is over; return once it can't be lost."""
    over = Over(array_id=record.array_id, version=record.version, rank=record.rank)
    await world.ends.ask(over)


def timer_name(array_id: ArrayId, rank: int | None = None) -> str:
    """Return the name of a lease's timer."""
    return f"{array_id}.lease" if rank is None else f"{array_id}.lease.{rank}"


def timer_key(timer: str) -> tuple[ArrayId, int | None]:
    """Return whose lease a timer is for."""
    array_id, _, rank = timer.replace(".lease", "", 1).partition(".")
    return ArrayId(array_id), int(rank) if rank else None


async def tell_machines(world: World, record: LeaseRecord) -> None:
    """Have machines warn who is logged in; one that does not hear it warns nobody."""
    subject = tell_all_subject(record.array_id)
    if record.rank is not None:
        try:
            member = await world.stores.members.get(member_key(record.array_id, record.rank))
        except NotFound:
            # It is still to come: there is nobody to warn.
            return
        subject = tell_subject(record.array_id, member.value.instance.id)
    left = record.lease.until - world.clock.now()
    tell = Tell(what="warned", until=record.lease.until, left_seconds=int(left.total_seconds()))
    await world.tells.tell(subject, tell)
