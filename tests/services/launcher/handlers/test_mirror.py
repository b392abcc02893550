"""What a replica keeps of records that another one writes and deletes."""

import asyncio

import pytest

from services.launcher.handlers.mirror import mirror_arrays, mirror_members, mirror_notices
from services.launcher.ports import World
from spawn.bus.beside import beside
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import member_key
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind
from spawn.contracts.pools import Market, Pool
from tests.builders import ARRAY_ID, a_member, an_array, an_instance, lost, running
from tests.services.launcher.worlds import Fakes, record

NEXT = an_array(id=ArrayId("other-aaaaaaaaaaaa"))


async def create(world: World, array: Array) -> None:
    """Have another replica write a record, and this one hear of it."""
    await world.stores.arrays.create(array.id, array)
    async with asyncio.timeout(20):
        while world.fleet.array(array.id) is None:
            world.fleet.stirred.clear()
            await world.fleet.stirred.wait()


async def test_what_another_replica_has_deleted_is_forgotten() -> None:
    world = Fakes().world()
    await record(world, an_array(), a_member(0))
    world.memory.told[ARRAY_ID] = 1
    world.memory.count([ARRAY_ID], "RunInstances")
    async with beside(mirror_arrays(world)):
        await create(world, NEXT)
        assert world.memory.told == {ARRAY_ID: 1}
        await world.stores.arrays.delete(ARRAY_ID)
        await create(world, an_array(id=ArrayId("last-aaaaaaaaaaaa")))
        assert world.memory.told == {}
        assert ARRAY_ID not in world.memory.calls
        assert world.fleet.members(ARRAY_ID) == {}


def seen(world: World, instance_id: InstanceId) -> tuple[Notice, ...]:
    return world.fleet.notices(ARRAY_ID).get(instance_id, ())


async def test_a_pool_from_which_the_cloud_takes_back_is_tried_last() -> None:
    fakes = Fakes()
    world = fakes.world()
    spot = an_instance(3, market=Market.SPOT, subnet_id="subnet-a")
    await record(world, an_array(), running(3, instance=spot))
    kinds = (
        (NoticeKind.REBALANCE, NoticeAction.NONE),
        (NoticeKind.INTERRUPTION, NoticeAction.STOP),
    )
    async with beside(mirror_notices(world)):
        for kind, action in kinds:
            assert world.memory.exhausted == {}
            notice = Notice(
                array_id=ARRAY_ID,
                rank=3,
                generation=0,
                instance_id=spot.id,
                kind=kind,
                action=action,
                noticed_at=fakes.clock.now(),
            )
            await world.stores.notices.create(f"{spot.id}.{action}", notice)
            async with asyncio.timeout(20):
                while not any(one.kind is kind for one in seen(world, spot.id)):
                    world.fleet.stirred.clear()
                    await world.fleet.stirred.wait()
    pool = Pool(Market.SPOT, spot.instance_type, spot.zone, "subnet-a")
    assert world.memory.exhausted == {pool: fakes.clock.now() + world.settings.pool_memory}


@pytest.mark.parametrize(
    ("market", "is_remembered"),
    [
        pytest.param(Market.SPOT, True, id="spot: its pool is tried last"),
        pytest.param(Market.ON_DEMAND, False, id="on demand: it was no want of capacity"),
    ],
)
async def test_a_loss_without_a_warning(market: Market, is_remembered: bool) -> None:
    fakes = Fakes()
    world = fakes.world()
    gone = an_instance(3, state=InstanceState.TERMINATED, market=market)
    await record(world, an_array())
    async with beside(mirror_members(world)):
        member = lost(3, instance=gone, changed_at=fakes.clock.now())
        await world.stores.members.create(member_key(ARRAY_ID, 3), member)
        async with asyncio.timeout(20):
            while world.fleet.member(ARRAY_ID, 3) is None:
                world.fleet.stirred.clear()
                await world.fleet.stirred.wait()
    assert [pool.market for pool in world.memory.exhausted] == [market] * is_remembered
