"""The sweep: what a crash has left unsaid is said, and notices of the past are forgotten."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.spot_watcher import metrics
from services.spot_watcher.apply import say
from services.spot_watcher.plan.notices import is_past
from services.spot_watcher.ports import World
from spawn.bus.ports import CaughtUp, Entry
from spawn.contracts.notices import Notice
from spawn.errors import Conflict


async def keep_swept(world: World) -> None:
    """Sweep now and then, by one replica; the first sweep says what a crash left.

    Runs until it is cancelled.
    """
    while True:
        async with world.fences.hold("spot_watcher.sweep") as fence:
            is_first = True
            while fence is not None and not fence.is_lost:
                await sweep(world, is_first=is_first)
                is_first = False
                await world.clock.sleep(world.settings.spot_sweep)
        await world.clock.sleep(world.settings.spot_sweep)


async def sweep(world: World, *, is_first: bool = False) -> None:
    """Look at every notice."""
    await world.memory.known()
    async with aclosing(_existing(world)) as entries:
        async for entry in entries:
            if is_first and entry.value.outbox:
                await say(world, entry)
            else:
                await _forget(world, entry)


async def _forget(world: World, entry: Entry[Notice]) -> None:
    """Delete the notice of an array that is over, or that nobody knows."""
    array = world.memory.arrays.get(entry.value.array_id)
    is_over = array is None or array.value.state.is_over
    if not is_past(entry.value, world.clock.now(), is_over=is_over):
        return
    try:
        await world.stores.notices.delete(entry.key, entry.revision)
    except Conflict:
        # It is news again: another look will see.
        return
    metrics.FORGOTTEN.inc()


async def _existing(world: World) -> AsyncGenerator[Entry[Notice]]:
    """Yield what there is, one after the other, holding none of it."""
    async with aclosing(world.stores.notices.watch(">")) as changes:
        async for change in changes:
            if isinstance(change, Entry):
                yield change
            elif isinstance(change, CaughtUp):
                return
