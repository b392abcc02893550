"""What a replica keeps of records that another one writes and deletes."""

import asyncio

from services.launcher.handlers.mirror import mirror_arrays
from services.launcher.ports import World
from spawn.bus.beside import beside
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId
from tests.builders import ARRAY_ID, a_member, an_array
from tests.services.launcher.worlds import Fakes, record

NEXT = an_array(id=ArrayId("other-aaaaaaaaaaaa"))


async def create(world: World, array: Array) -> None:
    """Have another replica write a record, and this one hear of it."""
    await world.stores.arrays.create(array.id, array)
    async with asyncio.timeout(20):
        while world.fleet.array(array.id) is None:
            world.fleet.stirred.clear()
            await world.fleet.stirred.wait()


async def test_what_another_replica_has_deleted_is_forgotten() -> None:
    world = Fakes().world()
    await record(world, an_array(), a_member(0))
    world.memory.told[ARRAY_ID] = 1
    world.memory.count([ARRAY_ID], "RunInstances")
    async with beside(mirror_arrays(world)):
        await create(world, NEXT)
        assert world.memory.told == {ARRAY_ID: 1}
        await world.stores.arrays.delete(ARRAY_ID)
        await create(world, an_array(id=ArrayId("last-aaaaaaaaaaaa")))
        assert world.memory.told == {}
        assert ARRAY_ID not in world.memory.calls
        assert world.fleet.members(ARRAY_ID) == {}
