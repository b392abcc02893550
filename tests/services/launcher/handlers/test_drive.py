"""Which arrays are taken up by a driver as they change."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.launcher.handlers.drive import drive_arrays
from services.launcher.handlers.mirror import mirror_arrays, mirror_leases, mirror_members
from services.launcher.ports import World
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import ArrayId
from tests.builders import an_array
from tests.services.launcher.worlds import Fakes

LIVING, OVER = ArrayId("living-abcdefghijkl"), ArrayId("over-abcdefghijkl")


def an_array_at_rest(id_: ArrayId, state: ArrayState = ArrayState.READY) -> Array:
    return an_array(size=1, id=id_, state=state, chunks=())


@asynccontextmanager
async def driving(fakes: Fakes, *arrays: Array) -> AsyncGenerator[World]:
    """Keep drivers for these arrays, for the length of the block."""
    world = fakes.world()
    for array in arrays:
        await world.stores.arrays.create(array.id, array)
    async with asyncio.TaskGroup() as group:
        parts = (mirror_arrays, mirror_members, mirror_leases, drive_arrays)
        tasks = [group.create_task(part(world)) for part in parts]
        await fakes.clock.settle()
        # Until all of it has been looked at for the first time.
        await fakes.clock.advance(timedelta(seconds=5))
        yield world
        for task in tasks:
            task.cancel()


async def test_a_change_is_taken_up_without_waiting() -> None:
    fakes = Fakes()
    async with driving(fakes, an_array_at_rest(LIVING)) as world:
        before = fakes.bus.fence_revision
        world.fleet.stir(LIVING)
        await fakes.clock.settle()
        assert fakes.bus.fence_revision > before
        assert not world.fleet.changed


async def test_changes_of_what_is_over_or_unknown_are_not_looked_at_again() -> None:
    fakes = Fakes()
    over = an_array_at_rest(OVER, ArrayState.TERMINATED)
    async with driving(fakes, over) as world:
        before = fakes.bus.fence_revision
        world.fleet.stir(OVER)
        world.fleet.stir(ArrayId("unknown-abcdefghijkl"))
        await fakes.clock.settle()
        assert not world.fleet.changed
        assert fakes.bus.fence_revision == before
