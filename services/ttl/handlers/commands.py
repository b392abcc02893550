"""Commands: a lease is changed, or it is said why not."""

from services.ttl import metrics
from services.ttl.apply import create, publish, write
from services.ttl.handlers.course import look
from services.ttl.plan.changes import Wish, change, check_wanted, refusal_event
from services.ttl.plan.course import first_record
from services.ttl.ports import World
from spawn.bus.ports import Command, Entry
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.contracts.lease_records import Extend, LeaseRecord
from spawn.errors import Conflict, NotFound, Rejected, Transient
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_MOST_TRIES = 20


async def on_extend(command: Command[Extend], world: World) -> None:
    """Write a lease's new end, or publish why not; the command is done with either."""
    wanted = command.body
    if not is_array_id(wanted.array_id):
        raise Rejected(f"array_id={wanted.array_id[:60]!r} is none", field="array_id")
    with bind(array_id=wanted.array_id):
        try:
            check_wanted(wanted)
            written = await _change(world, command)
        except Rejected as refusal:
            await _refuse(world, wanted, refusal)
            return
        await publish(world, written.value)
        metrics.CHANGES.labels("set").inc()
        _log.info("lease set", until=written.value.lease.until.isoformat())
        await look(world, written)


async def _change(world: World, command: Command[Extend]) -> Entry[LeaseRecord]:
    for _ in range(_MOST_TRIES):
        entry = await _lease(world, command.body.array_id)
        now = world.clock.now()
        not_after = command.body.not_after
        wish = Wish(extend=command.body, by=command.owner, now=now, longest=world.settings.max_ttl)
        after = change(entry.value, wish)
        if after is entry.value:
            return entry
        if not_after is not None and now > not_after:
            raise Rejected(
                "the request was not taken in time; send it again",
                field="not_after",
                code="expired",
            )
        try:
            return await write(world, entry, after)
        except Conflict:
            continue
    raise Transient(f"{command.body.array_id}: others change its lease all the time")


async def _lease(world: World, array_id: ArrayId) -> Entry[LeaseRecord]:
    """Return a living array's lease, made if need be; raise `Rejected` when it is ending."""
    try:
        array = (await world.stores.arrays.get(array_id)).value
    except NotFound as error:
        raise Rejected(f"there is no array {array_id}", field="array_id", code="gone") from error
    if array.ending is not None or array.state.is_over:
        raise Rejected(
            f"{array.name} is {array.state}: its lease counts no more",
            field="array_id",
            code="ending",
        )
    try:
        return await world.stores.leases.get(array_id)
    except NotFound:
        first = first_record(array_id, array.lease, deployment=world.deployment)
        return await create(world, first)


async def _refuse(world: World, wanted: Extend, refusal: Rejected) -> None:
    event = refusal_event(
        wanted.array_id,
        wanted,
        refusal,
        deployment=world.deployment,
        now=world.clock.now(),
    )
    await world.events.publish(event)
    metrics.CHANGES.labels("refused").inc()
    _log.info("lease not changed", code=refusal.code, why=refusal.message)
