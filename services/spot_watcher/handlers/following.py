"""Keeping this replica's copies of what the launcher writes."""

from services.spot_watcher.ports import World


async def mirror_arrays(world: World) -> None:
    """Follow the arrays' records; runs until it is cancelled."""
    async for change in world.stores.arrays.watch("*"):
        world.memory.note_array(change)


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.memory.note_member(change)
