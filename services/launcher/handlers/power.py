"""Stops and starts: taken from commands, and carried out by an array's driver."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from services.launcher.apply.power import set_power
from services.launcher.apply.records import refresh, write_array
from services.launcher.model import SetPower
from services.launcher.plan.acceptance import event_source
from services.launcher.plan.power import ask
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import Array
from spawn.contracts.events import Event, PowerRefused, event_id
from spawn.contracts.ids import ArrayId, InstanceId, is_array_id
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member
from spawn.contracts.power import Power, PowerTo
from spawn.errors import NotFound, Outcome, Rejected
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_ASK_AGAIN = timedelta(seconds=30)
"""How long an instance that was asked to stop or start may stay as it was before another call."""


async def on_power(command: Command[Power], world: World) -> None:
    """Write what is to be stopped or started, or publish why not; done with either."""
    said = command.body.reason or f"{command.owner} asked for it"
    wanted = msgspec.structs.replace(command.body, reason=said)
    if not is_array_id(wanted.array_id):
        raise Rejected(f"array_id={wanted.array_id[:60]!r} is none", field="array_id")
    with bind(array_id=wanted.array_id):
        try:
            await _take(world, wanted)
        except Rejected as refusal:
            await _refuse(world, wanted, refusal)


async def _take(world: World, wanted: Power) -> None:
    await refresh(world, wanted.array_id)
    if _is_taken(world, wanted):
        # Delivered again: what it asked for is done or under way, however old it is by now.
        return
    if wanted.not_after is not None and world.clock.now() > wanted.not_after:
        raise Rejected("the request was not taken in time", field="not_after", code="expired")
    await _check_lease(world, wanted)
    members = world.fleet.members(wanted.array_id)
    leases = dict(_leases(world, wanted.array_id, members))
    try:
        after = await write_array(
            world,
            wanted.array_id,
            lambda array: ask(array, wanted, members, now=world.clock.now(), leases=leases),
        )
    except NotFound as error:
        raise Rejected(f"there is no array {wanted.array_id}", field="array_id") from error
    _log.info("power", to=wanted.to, ranks=wanted.ranks, state=after.state)


def _is_taken(world: World, wanted: Power) -> bool:
    entry = world.fleet.array(wanted.array_id)
    return entry is not None and wanted.request_id in entry.value.power_requests


def _leases(
    world: World, array_id: ArrayId, members: Mapping[int, Member]
) -> Iterator[tuple[int, Lease]]:
    """Yield ranks' leases as they were last set: their records may not tell of that yet."""
    own, common = world.fleet.own_leases(array_id), world.fleet.lease(array_id)
    for rank, member in members.items():
        lease = own.get(rank) or member.lease or common
        if lease is not None:
            yield rank, lease


async def _check_lease(world: World, wanted: Power) -> None:
    """Raise `Rejected` when the lease that the request was made for has changed."""
    if wanted.lease_version is None:
        return
    try:
        record: LeaseRecord | None = (await world.stores.leases.get(wanted.array_id)).value
    except NotFound:
        record = None
    if record is None or record.version != wanted.lease_version:
        raise Rejected("the lease has changed", field="lease_version", code="stale")


async def _refuse(world: World, wanted: Power, refusal: Rejected) -> None:
    data = PowerRefused(
        request_id=wanted.request_id[:64],
        code=refusal.code,
        message=refusal.message,
        field=refusal.field,
    )
    named = hashlib.sha256(wanted.request_id.encode()).hexdigest()[:16]
    event = Event(
        id=event_id(wanted.array_id, data, named),
        array_id=wanted.array_id,
        source=event_source(world.deployment),
        time=world.clock.now(),
        data=data,
    )
    await world.events.publish(event)
    _log.info("power refused", code=refusal.code, why=refusal.message)


class Powering:
    """What one driver has asked of EC2 lately; losing it costs a second call that does nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[InstanceId, tuple[PowerTo, datetime]] = {}

    def asked(self, now: datetime) -> frozenset[tuple[InstanceId, PowerTo]]:
        """Return what need not be asked for again yet."""
        return frozenset(
            (id_, to) for id_, (to, at) in self._asked.items() if now - at < _ASK_AGAIN
        )

    async def apply(self, step: SetPower, array: Array) -> None:
        """Make the call; what can't be done just now is tried again."""
        try:
            refused = await set_power(self._world, array, step)
        except Outcome as outcome:
            _log.warning("not powered", to=step.to, why=outcome.message)
            if not isinstance(outcome, Rejected):
                return
            refused = dict.fromkeys(step.instance_ids, outcome.message)
        now = self._world.clock.now()
        self._asked |= dict.fromkeys(step.instance_ids, (step.to, now))
        self._world.memory.refuse(refused, now)
