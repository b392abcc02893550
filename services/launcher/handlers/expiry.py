"""The end of leases: what the TTL service asks for, many arrays at a time."""

import asyncio

from services.launcher.apply.records import write_array
from services.launcher.plan.leases import LEASE_OVER
from services.launcher.plan.settlement import end
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import Array
from spawn.contracts.ids import is_array_id
from spawn.contracts.lease_records import Expire, LeaseRecord, LeaseState, Over
from spawn.contracts.leases import LeaseAction
from spawn.errors import NotFound, Outcome, first_outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_SIDE_BY_SIDE = 64
"""Records written at once: enough to hide the round trip, few enough to stay fair."""


async def on_expire(command: Command[Expire], world: World) -> None:
    """Write for each array that it is being ended; one that is so already is left as it is."""
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
            after = await write_array(world, over.array_id, lambda array: _ended(world, array))
            _log.info("lease over", state=after.state)
    except NotFound:
        _log.info("end of an unknown lease", version=over.version)


async def _record(world: World, over: Over) -> LeaseRecord | None:
    """Return the lease that was acted on, as its bucket has it; None when it is another."""
    if not is_array_id(over.array_id):
        return None
    record = (await world.stores.leases.get(over.array_id)).value
    stands = record.state is LeaseState.EXPIRING and record.version == over.version
    return record if stands else None


def _ended(world: World, array: Array) -> Array:
    if array.ending is not None or array.state.is_over:
        return array
    return end(array, LEASE_OVER, now=world.clock.now())
