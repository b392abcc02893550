"""Keeping this replica's copies, and closing the connections of machines that have ended."""

from datetime import timedelta

from services.iam_broker.apply import close
from services.iam_broker.ports import World
from spawn.clock import wait_event

SWEEP_EVERY = timedelta(seconds=30)
_BREATH = timedelta(milliseconds=200)
"""Members of an array end together: their connections are looked at together."""


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.roster.note(change)


async def mirror_grants(world: World) -> None:
    """Follow the grants' records; runs until it is cancelled."""
    async for change in world.stores.grants.watch("*"):
        world.memory.grants.take(change)


async def close_ended(world: World) -> None:
    """Close the connections of ended machines, when one ends and now and then.

    Runs until it is cancelled.
    """
    await world.roster.known()
    while True:
        if await wait_event(world.roster.stirred, SWEEP_EVERY):
            await world.clock.sleep(_BREATH)
        world.roster.stirred.clear()
        await sweep_connections(world)


async def sweep_connections(world: World) -> None:
    """Close every connection of a machine that has ended or has been replaced."""
    if world.clients is None:
        return
    for connected in await world.clients.connected():
        if world.roster.is_over(connected.user):
            await close(world, connected)
