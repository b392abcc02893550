"""Stops and starts as they are taken from commands, and what EC2's answers are noted for."""

from datetime import timedelta
from typing import Any

import msgspec

from services.launcher.apply.power import set_power
from services.launcher.handlers.power import on_power
from services.launcher.model import SetPower
from services.launcher.plan.ladder import build_request
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Former, Member
from spawn.contracts.power import SUBJECT_POWER, Power, PowerTo
from tests.builders import ARRAY_ID, POOL_A, a_chunk, an_array, an_instance, running
from tests.fakes.clock import NOON
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import Fakes, record

HOUR = timedelta(hours=1)
OVER = Lease(until=NOON - HOUR, action=LeaseAction.STOP)
LONGER = Lease(until=NOON + HOUR, action=LeaseAction.STOP)


def a_desk(lease: Lease = OVER) -> Array:
    return an_array(size=1, state=ArrayState.READY, chunks=(), lease=lease)


def off(rank: int = 0) -> Member:
    return running(rank, instance=an_instance(rank, state=InstanceState.STOPPED))


async def ask(world: World, **wanted: Any) -> None:
    whole: dict[str, Any] = {"to": PowerTo.RUNNING, **wanted}
    body = Power(request_id="r-1", array_id=ARRAY_ID, **whole)
    command = Command(
        body=body,
        subject=SUBJECT_POWER,
        owner="cli",
        message_id="r-1",
        delivered=1,
        sent_at=NOON,
    )
    await on_power(command, world)


def told(fakes: Fakes) -> list[str]:
    return [event.name for event in fakes.bus.events]


async def test_a_lease_that_was_just_extended_lets_machines_start() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, a_desk(), off())
    lease = LeaseRecord(array_id=ARRAY_ID, lease=LONGER, deployment="test")
    await world.stores.leases.create(lease.key, lease)
    await ask(world)
    assert told(fakes) == ["power.asked"]


async def test_one_that_is_over_does_not() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, a_desk(), off())
    await ask(world)
    assert told(fakes) == ["power.refused"]


async def test_a_request_that_is_delivered_again_is_not_refused_for_its_age() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, a_desk(LONGER), running(0))
    wanted = {"to": PowerTo.STOPPED, "not_after": NOON + timedelta(minutes=1), "lease_version": 1}
    lease = LeaseRecord(array_id=ARRAY_ID, lease=LONGER, deployment="test")
    revision = await world.stores.leases.create(lease.key, lease)
    await ask(world, **wanted)
    await world.stores.leases.update(
        lease.key, msgspec.structs.replace(lease, version=2), revision
    )
    fakes.clock.move(timedelta(minutes=2))
    await ask(world, **wanted)
    assert told(fakes) == ["power.asked"]


async def test_what_ec2_says_of_a_former_is_not_noted_for_its_successor() -> None:
    fakes = Fakes()
    world, ec2, array = fakes.world(), fakes.aws.ec2(REGION), a_desk(LONGER)
    pool = msgspec.structs.replace(POOL_A, subnet_id=ec2.networks[0].id)
    ec2.weather.halt = timedelta(minutes=1)
    (made,) = await ec2.run_instances(build_request(array, a_chunk("0"), pool))
    former = Former(instance=made.instance, generation=0, since=NOON)
    now = an_instance(9, state=InstanceState.RUNNING)
    await record(world, array, running(0, instance=now, generation=1, formers=(former,)))
    step = SetPower(instance_ids=(made.instance.id,), to=PowerTo.STOPPED, reason="asked for")
    assert await set_power(world, array, step) == {}
    member = (await world.stores.members.get(f"{ARRAY_ID}.0")).value
    assert (member.instance, told(fakes)) == (now, [])
