"""Idleness: what machines say of their work is watched, told of, and acted on.

One replica watches at a time. It knows what it has heard itself: after a change of replicas, or
a restart, quiet counts anew.
"""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import NamedTuple

from services.ttl import metrics
from services.ttl.apply import give_own_lease, publish, write
from services.ttl.handlers.course import look
from services.ttl.handlers.watching import Watch
from services.ttl.model import Idling
from services.ttl.plan.course import first_record
from services.ttl.plan.idle import Course, judge
from services.ttl.plan.idling import (
    asked,
    end_idle,
    left_at,
    may_ask,
    not_before,
    note_verdict,
    power_of,
    rest_idle,
    see,
)
from services.ttl.ports import World
from spawn.bus.beside import beside
from spawn.bus.ports import Entry
from spawn.contracts.ids import InstanceId
from spawn.contracts.launches import IdleScope
from spawn.contracts.lease_records import Idleness, LeaseRecord, LeaseState, lease_key
from spawn.contracts.leases import LeaseAction
from spawn.contracts.power import SUBJECT_POWER
from spawn.contracts.ranks import format_ranks
from spawn.errors import Outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_TRY_AGAIN = timedelta(seconds=10)
"""Time between two tries to become the replica that watches, and between two looks around."""

_MOST_AT_ONCE = 200
"""Members that are asked to stop at one look: the events of all stand in the lease's record."""

_EVERY = timedelta(minutes=1)
"""Time between two looks at one array: as long as a window of its machines."""


async def keep_idle_watched(world: World) -> None:
    """Watch for idleness, by one replica; runs until it is cancelled."""
    while True:
        async with world.fences.hold("ttl.idle") as fence:
            if fence is not None:
                watch = Watch()
                async with (
                    beside(_follow_arrays(world, watch)),
                    beside(_follow_heartbeats(world, watch)),
                ):
                    while not fence.is_lost:
                        await look_around(world, watch)
                        await world.clock.sleep(_TRY_AGAIN)
        await world.clock.sleep(_TRY_AGAIN)


async def _follow_arrays(world: World, watch: Watch) -> None:
    async with aclosing(world.stores.arrays.watch("*")) as changes:
        async for change in changes:
            watch.take(change)


async def _follow_heartbeats(world: World, watch: Watch) -> None:
    async with aclosing(world.heartbeats.follow()) as heartbeats:
        async for said in heartbeats:
            watch.hear(said, world.clock.now())


async def look_around(world: World, watch: Watch) -> None:
    """Look at every array whose turn it is, one after the other."""
    for idling in watch.due(world.clock.now(), _EVERY):
        with bind(array_id=idling.array_id):
            try:
                await _look_at(world, watch, idling)
            except Outcome as outcome:
                # The lease changes or ends just now, or the bus is gone: there is a next look.
                _log.info("idleness not noted", why=outcome.message)


class _Look(NamedTuple):
    """One look at an array."""

    idling: Idling
    ids: dict[int, InstanceId]
    seen: dict[int, Course | str]


async def _look_at(world: World, watch: Watch, idling: Idling) -> None:
    found = await world.stores.members.load(f"{idling.array_id}.*")
    members = [entry.value for entry in found.values()]
    ids = {member.rank: member.instance.id for member in members}
    seen = see(idling, members, watch.courses(idling.array_id, ids.values()))
    entry = await world.stores.leases.get(idling.array_id)
    now = world.clock.now()
    if not seen or entry.value.state is not LeaseState.ARMED or entry.value.lease.is_over(now):
        return
    since = (not_before(entry.value), left_at(members, seen))
    verdict = judge(seen, now, not_before=max(filter(None, since), default=None))
    if idling.scope is IdleScope.MEMBER:
        entry = await _note(world, entry, note_verdict(entry.value, verdict, now))
        await _look_at_members(world, watch, _Look(idling, ids, seen), entry)
    elif verdict.is_over(idling.timeout) and may_ask(entry.value.idle, now):
        await _act(world, entry, idling, asked(verdict, idling.timeout, now))
    else:
        await _note(world, entry, note_verdict(entry.value, verdict, now))


async def _look_at_members(
    world: World, watch: Watch, looked: _Look, entry: Entry[LeaseRecord]
) -> None:
    """Act on each member that has been quiet for long enough, whatever the others do."""
    now, idling = world.clock.now(), looked.idling
    resting: dict[int | None, Idleness] = {}
    for rank, course in looked.seen.items():
        own = await _own(world, entry.value, rank)
        since = not_before(own.value if own else None, entry.value)
        verdict = judge({rank: course}, now, not_before=since)
        if not verdict.is_over(idling.timeout):
            continue
        idle = asked(verdict, idling.timeout, now)
        if idling.action is LeaseAction.TERMINATE:
            entry = await _end_member(world, entry, rank, idle)
        elif len(resting) < _MOST_AT_ONCE:
            resting[rank] = idle
        else:
            continue
        # It is asked for once: what goes on for all that is quiet anew.
        watch.drop(idling.array_id, looked.ids[rank])
    if resting:
        await _rest(world, entry, idling.action, resting)


async def _note(world: World, entry: Entry[LeaseRecord], after: LeaseRecord) -> Entry[LeaseRecord]:
    if after is entry.value:
        return entry
    written = await write(world, entry, after)
    await publish(world, after)
    return written


async def _act(world: World, entry: Entry[LeaseRecord], idling: Idling, idle: Idleness) -> None:
    """Do with an idle array what is to be done."""
    if idling.action is not LeaseAction.TERMINATE:
        await _rest(world, entry, idling.action, {None: idle})
        return
    for rank in entry.value.own:
        entry = await _end_member(world, entry, rank, idle)
    await _end(world, entry, idle)


async def _rest(
    world: World,
    entry: Entry[LeaseRecord],
    action: LeaseAction,
    idles: Mapping[int | None, Idleness],
) -> None:
    """Have an idle array, or some of its members, be stopped; its lease goes on."""
    written = await write(world, entry, rest_idle(entry.value, idles, action))
    ranks = format_ranks(rank for rank in idles if rank is not None)
    power = power_of(written.value, action, ranks)
    await world.commands.send(SUBJECT_POWER, power, message_id=power.request_id)
    await publish(world, written.value)
    metrics.IDLED.labels(action).inc(len(idles))
    _log.info("idle", action=action, ranks=ranks, why=power.reason)


async def _end(world: World, entry: Entry[LeaseRecord], idle: Idleness) -> None:
    """Have a lease end now, in competition with every change of it."""
    written = await write(world, entry, end_idle(entry.value, idle))
    metrics.IDLED.labels(LeaseAction.TERMINATE).inc()
    _log.info("idle", action=LeaseAction.TERMINATE, rank=entry.value.rank, why=idle.reason)
    await look(world, written)


async def _end_member(
    world: World, entry: Entry[LeaseRecord], rank: int, idle: Idleness
) -> Entry[LeaseRecord]:
    """Give a member a lease of its own, and have that one end."""
    record = entry.value
    own = await _own(world, record, rank)
    if own is not None and own.value.state is LeaseState.EXPIRING:
        return entry
    if own is None:
        first = first_record(record.array_id, record.lease, deployment=world.deployment, rank=rank)
        own, entry = await give_own_lease(world, entry, first, rank)
    await _end(world, own, idle)
    return entry


async def _own(world: World, record: LeaseRecord, rank: int) -> Entry[LeaseRecord] | None:
    if rank not in record.own:
        return None
    return await world.stores.leases.get(lease_key(record.array_id, rank))
