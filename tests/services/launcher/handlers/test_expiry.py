"""The end of leases as the launcher is asked for it, and leases that are changed."""

from datetime import timedelta

import msgspec

from services.launcher.handlers.drive import drive
from services.launcher.handlers.expiry import on_expire
from services.launcher.plan.ladder import build_request
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import (
    SUBJECT_EXPIRE,
    Expire,
    LeaseRecord,
    LeaseState,
    Over,
)
from spawn.contracts.leases import LEASE_TAG, Lease, LeaseAction, format_instant
from tests.builders import ARRAY_ID, POOL_A, a_chunk, an_array, running
from tests.fakes.clock import NOON
from tests.services.launcher.worlds import Fakes, record

UNKNOWN = ArrayId("other-abcdefghijkl")
LEASE = Lease(until=NOON)
RECORD = LeaseRecord(
    array_id=ARRAY_ID, lease=LEASE, deployment="test", state=LeaseState.EXPIRING, version=4
)


def expire(*overs: Over) -> Command[Expire]:
    return Command(
        body=Expire(leases=overs),
        subject=SUBJECT_EXPIRE,
        owner="services",
        message_id="expire:1",
        delivered=1,
        sent_at=NOON,
    )


async def asked(lease: LeaseRecord | None, *, version: int = 4) -> World:
    """Return the world after the launcher was asked to end an array whose lease this is."""
    world = Fakes().world()
    await record(world, an_array(state=ArrayState.READY, chunks=()))
    if lease is not None:
        await world.stores.leases.create(ARRAY_ID, lease)
    unknown = Over(array_id=UNKNOWN, version=1)
    await on_expire(expire(unknown, Over(array_id=ARRAY_ID, version=version)), world)
    return world


async def state_of(world: World) -> ArrayState:
    return (await world.stores.arrays.get(ARRAY_ID)).value.state


async def test_an_array_whose_lease_is_over_is_ended_whatever_else_is_named() -> None:
    world = await asked(RECORD)
    array = (await world.stores.arrays.get(ARRAY_ID)).value
    assert (array.state, array.reason) == (ArrayState.TERMINATING, "its lease is over")


async def test_asked_twice_it_is_ended_once() -> None:
    world = await asked(RECORD)
    before = await world.stores.arrays.get(ARRAY_ID)
    await on_expire(expire(Over(array_id=ARRAY_ID, version=4)), world)
    assert await world.stores.arrays.get(ARRAY_ID) == before


async def test_a_stale_end_is_refused() -> None:
    assert await state_of(await asked(RECORD, version=3)) is ArrayState.READY
    armed = msgspec.structs.replace(RECORD, state=LeaseState.ARMED)
    assert await state_of(await asked(armed)) is ArrayState.READY
    assert await state_of(await asked(None)) is ArrayState.READY


async def test_a_lease_that_ends_in_a_stop_ends_nothing() -> None:
    stopping = msgspec.structs.replace(RECORD, lease=Lease(NOON, LeaseAction.STOP))
    assert await state_of(await asked(stopping)) is ArrayState.READY


async def test_a_changed_lease_reaches_the_record_the_tags_and_the_machines() -> None:
    fakes = Fakes()
    world = fakes.world()
    longer = Lease(until=NOON + timedelta(days=1))
    array = an_array(size=1, state=ArrayState.READY, chunks=())
    ec2 = fakes.aws.ec2(array.region)
    pool = msgspec.structs.replace(POOL_A, subnet_id=ec2.networks[0].id)
    (made,) = await ec2.run_instances(build_request(array, a_chunk("0"), pool))
    await record(world, array, running(instance=made.instance))
    armed = msgspec.structs.replace(RECORD, lease=longer, state=LeaseState.ARMED)
    await world.stores.leases.create(ARRAY_ID, armed)
    assert await drive(world, ARRAY_ID)
    after = (await world.stores.arrays.get(ARRAY_ID)).value
    assert (after.lease, after.retag) == (longer, False)
    (described,) = await ec2.describe_instances(ids=[made.instance.id])
    assert described.tags[LEASE_TAG] == format_instant(longer.until)
    assert [tell.what for _, tell in fakes.bus.tells] == ["assignment"]
