"""Keeping this replica's copy of the records."""

from typing import Any

from services.launcher.ports import World
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.ids import ArrayId


async def mirror_arrays(world: World) -> None:
    """Follow the arrays' records; runs until it is cancelled."""
    async for change in world.stores.arrays.watch("*"):
        world.fleet.note_array(change)
        _forget_published(world, change)
        match change:
            case Entry(value=array) if array.state.is_over:
                world.memory.forget_answers(array.id)
            case Deleted(key=key) if world.fleet.array(ArrayId(key)) is None:
                # Another replica may have deleted it.
                world.memory.forget(ArrayId(key))
                world.fleet.forget(ArrayId(key))
            case _:
                pass


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.fleet.note_member(change)
        _forget_published(world, change)


async def mirror_hostnames(world: World) -> None:
    """Follow the names of machines, which the DNS service writes; runs until it is cancelled."""
    async for change in world.stores.hostnames.watch("*"):
        world.fleet.note_hostnames(change)


async def mirror_leases(world: World) -> None:
    """Follow the leases' records, which are the TTL service's; runs until it is cancelled."""
    async for change in world.stores.leases.watch(">"):
        world.fleet.note_lease(change)


def _forget_published(world: World, change: Change[Any]) -> None:
    """Forget what was published of records that are gone: their versions begin anew."""
    match change:
        case Deleted(key=key):
            world.memory.published.pop(key, None)
        case Restarted():
            world.memory.published.clear()
        case _:
            pass
