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
from spawn.errors import Conflict
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def apply(world: World, step: Steps, known: Entry[Notice] | None) -> None:
    """Do what was decided, and say what is not known to be said; raise `Conflict` when outrun.

    A record keeps its event until machines are told and the bus has it: whoever comes upon such a
    record, after a crash, says it again.
    """
    record = step.record
    key = notice_key(record.instance_id, record.kind, record.action)
    revision = 0 if known is None else known.revision
    match step:
        case Create():
            revision = await world.stores.notices.create(key, record)
            metrics.NOTICES.labels(record.kind.value).inc()
        case Renew():
            if known is not None:
                await _publish(world, known.value)
            revision = await world.stores.notices.update(key, record, revision)
            metrics.NOTICES.labels(record.kind.value).inc()
        case Amend():
            revision = await world.stores.notices.update(key, record, revision)
        case Repeat():
            pass
        case _:
            assert_never(step)
    await say(world, Entry(key, record, revision))


async def say(world: World, entry: Entry[Notice]) -> None:
    """Say what a record still has to say, and write that it is said."""
    record = entry.value
    if not record.outbox:
        return
    # A machine has two minutes: it hears of it first.
    await _tell(world, record)
    await _publish(world, record)
    said = msgspec.structs.replace(record, outbox=())
    try:
        await world.stores.notices.update(entry.key, said, entry.revision)
    except Conflict:
        # Another replica knows more of it by now, and says it, too.
        _log.info("said by another replica, too", instance_id=record.instance_id)


async def hint(world: World, changed: Changed, holder: Holder) -> None:
    """Have the launcher look at an instance whose state has changed."""
    look = Look(array_id=holder.array_id, instance_id=changed.instance_id, state=changed.state)
    message_id = f"look:{changed.instance_id}:{changed.state}"
    await world.commands.send(SUBJECT_LOOK, look, message_id=message_id)


async def _publish(world: World, record: Notice) -> None:
    if may_be_missing(record, world.clock.now()):
        await world.events.publish_many(record.outbox)


async def _tell(world: World, record: Notice) -> None:
    """Tell the machine that leaves, and then all of its array."""
    told = tell_of(record)
    await world.tells.tell(tell_subject(record.array_id, record.instance_id), told)
    await world.tells.tell(tell_all_subject(record.array_id), told)
