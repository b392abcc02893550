"""Letting go of what an array that is over still holds."""

from services.launcher.ports import World
from spawn.contracts.arrays import Array, name_key
from spawn.contracts.members import member_key
from spawn.errors import Conflict, NotFound


async def release(world: World, array: Array) -> None:
    """Free the name and delete the job of an array that is over; its record stays a while."""
    try:
        held = await world.stores.names.get(name_key(array.name))
        if held.value.array_id == array.id:
            await world.stores.names.delete(name_key(array.name), held.revision)
    except (NotFound, Conflict):
        # Freed already, or claimed by a successor: both are what is wanted.
        pass
    await world.stores.specs.delete(array.id)
    world.memory.forget(array.id)


async def delete_records(world: World, array: Array) -> None:
    """Delete what is recorded of an array: its members first, so that none is left alone."""
    for rank in world.fleet.members(array.id):
        key = member_key(array.id, rank)
        await world.stores.members.delete(key)
        world.memory.published.pop(key, None)
    await world.stores.arrays.delete(array.id)
    world.memory.published.pop(array.id, None)
    world.memory.forget(array.id)
    world.fleet.forget(array.id)
