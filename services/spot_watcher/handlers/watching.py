"""Watching regions: a few long polls for each that has arrays and a queue of ours."""

import asyncio
from datetime import timedelta

from services.spot_watcher import metrics
from services.spot_watcher.handlers.reading import receive, settle
from services.spot_watcher.handlers.setting_up import set_up
from services.spot_watcher.plan.setup import queue_name
from services.spot_watcher.ports import World
from spawn.aws.shapes import Queue, QueueMessage
from spawn.clock import wait_event
from spawn.contracts.notices import Watch
from spawn.errors import NotFound, Outcome, first_outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_LOOK_AGAIN = timedelta(minutes=1)
"""How often a queue that is not there is looked for: somebody else may have made it."""

_BATCHES = 6
"""Batches that are settled beside those that are received."""

_RETRY = timedelta(seconds=2)
NOT_SET_UP = "not set up: `spawn spot setup` does it"


async def keep_watching(world: World) -> None:
    """Watch the regions of living arrays; runs until it is cancelled."""
    await world.memory.known()
    watched: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            world.memory.stirred.clear()
            wanted = world.memory.regions()
            if world.settings.spot_setup:
                for region in world.memory.spot_regions():
                    world.memory.set_up[region].set()
            for region in wanted - watched.keys():
                watched[region] = group.create_task(_watch(world, region))
            for region in watched.keys() - wanted:
                watched.pop(region).cancel()
                world.memory.forget_watch(region)
            await world.memory.stirred.wait()


async def _watch(world: World, region: str) -> None:
    """Read a region's queue, once there is one, for as long as the region is wanted."""
    with bind(region=region):
        while True:
            try:
                queue = await _queue(world, region)
                if queue is None:
                    await _wait_for_setup(world, region)
                    continue
                await _read(world, region, queue)
            except* Outcome as outcomes:
                why = first_outcome(outcomes)
                _note(world, region, "", "" if isinstance(why, NotFound) else why.message)
                _log.warning("watch again", why=why.message)
            await world.clock.sleep(_RETRY)


async def _queue(world: World, region: str) -> Queue | None:
    """Return the region's queue, made now where that is wanted; None while there is none."""
    try:
        return await world.aws.sqs(region).find(queue_name(world.deployment))
    except NotFound:
        if not world.settings.spot_setup or region not in world.memory.spot_regions():
            return None
    await set_up(world, region)
    return await world.aws.sqs(region).find(queue_name(world.deployment))


async def _wait_for_setup(world: World, region: str) -> None:
    _note(world, region, "", NOT_SET_UP)
    done = world.memory.set_up[region]
    await wait_event(done, _LOOK_AGAIN)
    done.clear()


async def _read(world: World, region: str, queue: Queue) -> None:
    """Read a queue until it is gone, or SQS does not answer."""
    _note(world, region, queue.url)
    metrics.QUEUES.inc()
    try:
        async with asyncio.TaskGroup() as group:
            reader = _Reader(world, region, queue, group)
            for _ in range(world.settings.spot_pollers):
                group.create_task(reader.poll())
    finally:
        metrics.QUEUES.dec()


class _Reader:
    """Goes on receiving while batches are being settled, but not too many."""

    def __init__(self, world: World, region: str, queue: Queue, group: asyncio.TaskGroup) -> None:
        self._world, self._region, self._queue = world, region, queue
        self._group = group
        self._turns = asyncio.Semaphore(world.settings.spot_pollers + _BATCHES)

    async def poll(self) -> None:
        """Receive, for ever. Raises as `receive` does."""
        while True:
            await self._turns.acquire()
            messages = await receive(self._world, self._region, self._queue)
            self._group.create_task(self._settle(messages))

    async def _settle(self, messages: tuple[QueueMessage, ...]) -> None:
        try:
            if messages:
                await settle(self._world, self._region, self._queue, messages)
        finally:
            self._turns.release()


def _note(world: World, region: str, queue: str, reason: str = "") -> None:
    world.memory.note_watch(Watch(region=region, queue=queue, is_read=bool(queue), reason=reason))
