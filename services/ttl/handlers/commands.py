"""Commands: a lease is changed, or it is said why not."""

from services.ttl import metrics
from services.ttl.apply import create, give_own_lease, publish, write
from services.ttl.handlers.course import look
from services.ttl.plan.changes import (
    Wish,
    change,
    check_member,
    check_wanted,
    refusal_event,
)
from services.ttl.plan.course import first_record
from services.ttl.ports import World
from spawn.bus.ports import Command, Entry
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.contracts.lease_records import Extend, LeaseRecord, lease_key
from spawn.contracts.members import Member, member_key
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
        try:
            return await _try_change(world, command)
        except Conflict:
            continue
    raise Transient(f"{command.body.array_id}: others change its lease all the time")


async def _try_change(world: World, command: Command[Extend]) -> Entry[LeaseRecord]:
    """Change the lease once; raise `Conflict` when another writer was first."""
    wanted, now = command.body, world.clock.now()
    wish = Wish(extend=wanted, by=command.owner, now=now, longest=world.settings.max_ttl)
    array = await _living(world, wanted.array_id)
    entry = await _lease(world, array)
    if wanted.rank is not None:
        check_member(array, wanted.rank, await _member(world, wanted.array_id, wanted.rank))
        entry = await _own_lease(world, entry, wanted.rank, wish)
    after = change(entry.value, wish)
    if after is entry.value:
        return entry
    if wanted.not_after is not None and now > wanted.not_after:
        raise Rejected(
            "the request was not taken in time; send it again", field="not_after", code="expired"
        )
    return await write(world, entry, after)


async def _own_lease(
    world: World, parent: Entry[LeaseRecord], rank: int, wish: Wish
) -> Entry[LeaseRecord]:
    """Return a rank's own lease, made of its array's if need be. Raises `Conflict`."""
    record = parent.value
    if rank in record.own:
        return await world.stores.leases.get(lease_key(record.array_id, rank))
    first = first_record(record.array_id, record.lease, deployment=world.deployment, rank=rank)
    # What is refused leaves the rank with its array.
    change(first, wish)
    own, _ = await give_own_lease(world, parent, first, rank)
    return own


async def _member(world: World, array_id: ArrayId, rank: int) -> Member | None:
    try:
        return (await world.stores.members.get(member_key(array_id, rank))).value
    except NotFound:
        # It is still to come.
        return None


async def _living(world: World, array_id: ArrayId) -> Array:
    """Return an array that goes on; raise `Rejected` when there is none or it is ending."""
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
    return array


async def _lease(world: World, array: Array) -> Entry[LeaseRecord]:
    """Return an array's lease, made if need be."""
    try:
        return await world.stores.leases.get(array.id)
    except NotFound:
        first = first_record(array.id, array.lease, deployment=world.deployment)
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
