"""Keeping this replica's copy of the records."""

from services.launcher.ports import World


async def mirror_arrays(world: World) -> None:
    """Follow the arrays' records; runs until it is cancelled."""
    async for change in world.stores.arrays.watch("*"):
        world.fleet.note_array(change)


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.fleet.note_member(change)
