"""The spot watcher's writes: notices with their events, what machines are told, and hints."""

from typing import assert_never

import msgspec

from services.spot_watcher import metrics
from services.spot_watcher.model import Amend, Changed, Create, Holder, Renew, Repeat, Steps
from services.spot_watcher.plan.notices import may_be_missing, tell_of
from services.spot_watcher.ports import World
from spawn.bus.ports import Entry
from spawn.contracts.assignments import tell_all_subject, tell_subject
from spawn.contracts.notices import SUBJECT_LOOK, Look, Notice, notice_key


async def apply(
    world: World, step: Steps, known: Entry[Notice] | None, *, is_repeated: bool
) -> None:
    """Do what was decided. Raises `Conflict` when another replica was faster.

    The events of a record are on the bus before it is replaced. Of a message that `is_repeated`
    nobody knows how far its first reader came.
    """
    record = step.record
    key = notice_key(record.instance_id, record.kind, record.action)
    if known is not None:
        await publish(world, known.value)
    match step:
        case Create():
            await world.stores.notices.create(key, record)
            await _give(world, record)
        case Renew():
            await world.stores.notices.update(key, record, _revision(known))
            await _give(world, record)
        case Amend():
            # What it knew of events is on the bus.
            await world.stores.notices.update(
                key, msgspec.structs.replace(record, outbox=()), _revision(known)
            )
            if is_repeated:
                await tell(world, record)
        case Repeat():
            if is_repeated:
                await tell(world, record)
        case _:
            assert_never(step)


async def publish(world: World, record: Notice) -> None:
    """Publish the events that a record's last write caused; twice is once."""
    if may_be_missing(record, world.clock.now()):
        await world.events.publish_many(record.outbox)


async def tell(world: World, record: Notice) -> None:
    """Tell the machine that leaves, and then all of its array."""
    told = tell_of(record)
    await world.tells.tell(tell_subject(record.array_id, record.instance_id), told)
    await world.tells.tell(tell_all_subject(record.array_id), told)


async def hint(world: World, changed: Changed, holder: Holder) -> None:
    """Have the launcher look at an instance whose state has changed."""
    look = Look(array_id=holder.array_id, instance_id=changed.instance_id, state=changed.state)
    message_id = f"look:{changed.instance_id}:{changed.state}"
    await world.commands.send(SUBJECT_LOOK, look, message_id=message_id)


async def _give(world: World, record: Notice) -> None:
    # A machine has two minutes: it hears of it first.
    await tell(world, record)
    await publish(world, record)
    metrics.NOTICES.labels(record.kind.value).inc()


def _revision(known: Entry[Notice] | None) -> int:
    return 0 if known is None else known.revision
