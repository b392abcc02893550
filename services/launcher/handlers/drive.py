"""The driver of one array: taking it as far as it goes, by one replica at a time."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from services.launcher import metrics
from services.launcher.apply.records import DUPLICATES, publish_left_over, refresh
from services.launcher.handlers.driver import POLL, Driver
from services.launcher.model import View
from services.launcher.plan.drive import has_told, is_at_rest
from services.launcher.plan.own_leases import is_neglected
from services.launcher.plan.replacement import due_members, is_time_to_ask_again
from services.launcher.plan.resting import resting_due
from services.launcher.ports import World
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId
from spawn.errors import Outcome, first_outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)


async def drive_arrays(world: World) -> None:
    """Keep a driver for every array that needs one; runs until it is cancelled.

    What has changed is looked at at once, and now and then everything is.
    """
    await world.fleet.known()
    async with asyncio.TaskGroup() as group:
        drivers = _Drivers(world, group)
        group.create_task(drivers.follow_changes())
        while True:
            drivers.begin(world.fleet.arrays().values())
            await world.clock.sleep(POLL)


class _Drivers:
    """The drivers at work, one for an array."""

    def __init__(self, world: World, group: asyncio.TaskGroup) -> None:
        self._world, self._group = world, group
        self._driving: set[ArrayId] = set()

    async def follow_changes(self) -> None:
        """Begin with arrays that have changed; runs until it is cancelled."""
        fleet = self._world.fleet
        while True:
            fleet.stirred.clear()
            changed = fleet.changed - self._driving
            entries = [fleet.array(array_id) for array_id in changed]
            self.begin([entry.value for entry in entries if entry is not None])
            # What is over, or not known yet, is not looked at again and again.
            fleet.changed -= changed
            await fleet.stirred.wait()

    def begin(self, arrays: Iterable[Array]) -> None:
        """Have those of these arrays driven that need it and are not being driven."""
        world, now = self._world, self._world.clock.now()
        due = {array.id for array in arrays if is_needed(world, array, now)}
        for array_id in due - self._driving:
            self._driving.add(array_id)
            world.fleet.changed.discard(array_id)
            self._group.create_task(_drive_and_forget(world, array_id, self._driving))


def is_needed(world: World, array: Array, now: datetime) -> bool:
    """Say whether an array needs a driver at `now`."""
    if array.state.is_over:
        recent = any(now - event.time < DUPLICATES for event in array.outbox)
        return recent and world.memory.published.get(array.id, 0) < array.version
    if not is_at_rest(array) or has_told(array, now) or array.id in world.fleet.changed:
        return True
    if world.fleet.is_succeeding(array.id) or _may_ask_again(world, array, now):
        return True
    own = world.fleet.own_leases(array.id)
    members = world.fleet.members(array.id).values()
    if is_neglected(array, members, own, now):
        return True
    return any(resting_due(array, members, own, now, refused=world.memory.refused(now)))


def _may_ask_again(world: World, array: Array, now: datetime) -> bool:
    """Say whether it is time to ask again for successors that could not be had."""
    if not is_time_to_ask_again(array, now):
        return False
    view = View(
        array=array,
        members=world.fleet.members(array.id),
        notices=world.fleet.notices(array.id),
        own_leases=world.fleet.own_leases(array.id),
        now=now,
    )
    return bool(due_members(view))


async def _drive_and_forget(world: World, array_id: ArrayId, driving: set[ArrayId]) -> None:
    try:
        with bind(array_id=array_id):
            if not await _settle(world, array_id):
                await world.clock.sleep(POLL)
                # Nothing else wakes us to what was left undone of an array at rest.
                world.fleet.stir(array_id)
    finally:
        driving.discard(array_id)


async def _settle(world: World, array_id: ArrayId) -> bool:
    """Drive an array; say whether it was taken as far as it goes."""
    try:
        return await drive(world, array_id)
    except* Outcome as outcomes:
        _log.warning("driver stopped", why=first_outcome(outcomes).message)
    except* Exception:  # noqa: BLE001 - counted and logged with its trace
        # One array that can't be driven must not hold up the others: it is tried again.
        metrics.DRIVER_FAILURES.inc()
        _log.exception("driver failed")
    return False


async def drive(world: World, array_id: ArrayId) -> bool:
    """Take an array as far as it goes now; False when that is left to another replica."""
    async with world.fences.hold(f"drive.{array_id}") as fence:
        if fence is None:
            return False
        await refresh(world, array_id)
        await publish_left_over(world, array_id)
        changed = world.fleet.listen(array_id)
        try:
            async with asyncio.TaskGroup() as group:
                driver = Driver(world, array_id, group)
                await driver.run(fence, changed)
        finally:
            world.fleet.unlisten(array_id, changed)
        return not fence.is_lost
