"""The end of leases: what the TTL service asks for, many arrays and members at a time."""

import asyncio
from collections.abc import Collection

import msgspec

from services.launcher.apply.records import refresh, write_array
from services.launcher.apply.telling import write_and_tell
from services.launcher.plan.leases import end_reason
from services.launcher.plan.own_leases import end_members
from services.launcher.plan.resting import rest, rest_at_end
from services.launcher.plan.settlement import advance, end
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import Array
from spawn.contracts.ids import is_array_id
from spawn.contracts.lease_records import Expire, LeaseRecord, LeaseState, Over, lease_key
from spawn.contracts.leases import LeaseAction
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import NotFound, Outcome, Transient, first_outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_MOST_TRIES = 20

_SIDE_BY_SIDE = 64
"""Records written at once: enough to hide the round trip, few enough to stay fair."""


async def on_expire(command: Command[Expire], world: World) -> None:
    """Write for each array or member that it is being ended; what is so already is left."""
    turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def act(over: Over) -> None:
        async with turns:
            with bind(array_id=over.array_id):
                await _act(world, over)

    try:
        async with asyncio.TaskGroup() as group:
            for over in command.body.leases:
                group.create_task(act(over))
    except* Outcome as outcomes:
        raise first_outcome(outcomes) from None


async def _act(world: World, over: Over) -> None:
    try:
        record = await _record(world, over)
        if record is None:
            _log.info("stale end of a lease", version=over.version)
        elif record.lease.action is LeaseAction.TERMINATE:
            await _end(world, record)
        else:
            await _rest(world, record)
    except NotFound:
        _log.info("end of an unknown lease", version=over.version)


async def _record(world: World, over: Over) -> LeaseRecord | None:
    """Return the lease that was acted on, as its bucket has it; None when it is another.

    A member's own counts only once its array's record lists it.
    """
    if not is_array_id(over.array_id):
        return None
    record = (await world.stores.leases.get(lease_key(over.array_id, over.rank))).value
    if over.rank is not None:
        array = (await world.stores.leases.get(over.array_id)).value
        if over.rank not in array.own:
            return None
    stands = record.state is LeaseState.EXPIRING and record.version == over.version
    return record if stands else None


async def _end(world: World, record: LeaseRecord) -> None:
    """End what a lease is of: a member, or the array but for those whose own leases go on."""
    array_id, why = record.array_id, end_reason(record)
    outliving = await _outliving(world, record)
    if record.rank is None and not outliving:
        after = await write_array(world, array_id, lambda array: _ended(world, array, why))
        _log.info("lease over", state=after.state)
        return
    if record.rank is None:
        await write_array(world, array_id, lambda array: _unasked(world, array, outliving))
    await refresh(world, array_id)
    for _ in range(_MOST_TRIES):
        members = world.fleet.members(array_id)
        ranks = set(members) - outliving if record.rank is None else {record.rank} & set(members)
        changes = end_members((members[rank] for rank in ranks), why)
        if not changes:
            _log.info("leases of members over", rank=record.rank, outliving=len(outliving))
            return
        await write_and_tell(world, changes)
    raise Transient(f"{array_id}: others write its members' records all the time")


async def _rest(world: World, record: LeaseRecord) -> None:
    """Have the machines of a lease go off, but for those whose own leases go on."""
    outliving = await _outliving(world, record)
    await refresh(world, record.array_id)

    def change(array: Array) -> Array:
        members, now = world.fleet.members(array.id).values(), world.clock.now()
        if record.rank is not None:
            own = [each for each in members if each.rank == record.rank]
            return rest(array, record.lease, own, now=now)
        others = [each for each in members if each.rank not in outliving]
        return rest_at_end(array, record.lease, others, now=now)

    after = await write_array(world, record.array_id, change)
    _log.info("lease over", state=after.state, action=record.lease.action)


async def _outliving(world: World, record: LeaseRecord) -> set[int]:
    """Return the ranks whose own leases go on beyond their array's."""
    if record.rank is not None or not record.own:
        return set()
    own = (await world.stores.leases.load(f"{record.array_id}.*")).values()
    armed = {each.value.rank for each in own if each.value.state is LeaseState.ARMED}
    return {rank for rank in record.own if rank in armed}


def _unasked(world: World, array: Array, outliving: Collection[int]) -> Array:
    """Ask for no more machines of an array whose lease is over, but for ranks that go on."""
    left = [
        (chunk, [rank for rank in parse_ranks(chunk.ranks) if rank in outliving])
        for chunk in array.chunks
    ]
    chunks = tuple(
        msgspec.structs.replace(chunk, ranks=format_ranks(ranks)) for chunk, ranks in left if ranks
    )
    return array if chunks == array.chunks else advance(array, world.clock.now(), chunks=chunks)


def _ended(world: World, array: Array, why: str) -> Array:
    if array.ending is not None or array.state.is_over:
        return array
    return end(array, why, now=world.clock.now())
