"""Reading a queue: a batch at a time, each message on its own, deleted once it is settled."""

import asyncio

from services.spot_watcher import metrics
from services.spot_watcher.handlers.hearing import hear, take_hint
from services.spot_watcher.model import Changed, Heard, Said, Unreadable
from services.spot_watcher.plan.parsing import parse
from services.spot_watcher.plan.setup import queue_name
from services.spot_watcher.ports import World
from spawn.aws.shapes import Queue, QueueMessage
from spawn.errors import Outcome, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_STRANGER_TIMES = 3
"""How often a warning of an unknown instance is received before it is dropped: a launch may have
made it whose answer is not recorded yet."""

_CRASH_TIMES = 5
"""How often a message whose handling fails is received before it is put aside."""


async def receive(world: World, region: str, queue: Queue) -> tuple[QueueMessage, ...]:
    """Wait for messages; none when none came in time.

    Raises `NotFound` when the queue is gone, and `Transient` when SQS does not answer.
    """
    return await world.aws.sqs(region).receive(queue.url, wait=world.settings.spot_wait)


async def settle(
    world: World, region: str, queue: Queue, messages: tuple[QueueMessage, ...]
) -> None:
    """Do what messages say, and delete those that are settled. Raises as `receive` does."""
    await world.memory.known()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_settle(message, world)) for message in messages]
    settled = [message for message, task in zip(messages, tasks, strict=True) if task.result()]
    # One that is not deleted comes again, and is known then.
    metrics.NOT_DELETED.inc(await world.aws.sqs(region).delete(queue.url, settled))


async def _settle(message: QueueMessage, world: World) -> bool:
    """Do what a message says; say whether it may be deleted."""
    try:
        said = parse(message.body)
    except Unreadable as why:
        await _put_aside(message, world, str(why))
        return True
    try:
        outcomes = [await _take(each, world, message) for each in said]
    except Transient as outcome:
        _log.warning("a message waits", why=outcome.message)
        return False
    except Outcome as outcome:
        await _put_aside(message, world, outcome.message)
        return True
    except Exception:  # noqa: BLE001 - counted, logged with its trace, and put aside in the end
        # One message must not stop those beside it; it comes again, and then is put aside.
        _log.exception("a message failed", received=message.received)
        if message.received < _CRASH_TIMES:
            return False
        await _put_aside(message, world, "it failed each time; the log says how")
        return True
    return all(outcomes)


async def _take(said: Said, world: World, message: QueueMessage) -> bool:
    match said:
        case Changed():
            await take_hint(said, world)
            return True
        case Heard():
            holder = world.memory.holder(said.instance_id)
            if holder is not None:
                await hear(said, holder, world)
                return True
            if message.received < _STRANGER_TIMES:
                return False
            metrics.DROPPED.labels("foreign").inc()
            return True


async def _put_aside(message: QueueMessage, world: World, reason: str) -> None:
    metrics.DROPPED.labels("unreadable").inc()
    queue = queue_name(world.deployment)
    await world.dead.bury(queue, message.body, reason=reason, message_id=message.id)
