"""Leases of single members: taken over by the launcher, armed, told of in tags, and their ends."""

from datetime import timedelta

import msgspec
import pytest

from services.launcher.apply.records import write_array
from services.launcher.handlers.drive import drive
from services.launcher.handlers.expiry import on_expire
from services.launcher.plan.ladder import build_request
from services.launcher.plan.rendezvous import assignment_of, roll_of
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.lease_records import (
    SUBJECT_EXPIRE,
    Expire,
    LeaseRecord,
    LeaseState,
    Over,
    lease_key,
)
from spawn.contracts.leases import LEASE_TAG, Lease, format_instant
from spawn.contracts.members import Member
from tests.builders import ARRAY_ID, POOL_A, a_chunk, an_array, running
from tests.fakes.clock import NOON
from tests.services.launcher.worlds import Fakes, record

SIZE = 3
HOUR = timedelta(hours=1)
LEASE = Lease(until=NOON + HOUR)
LONGER = Lease(until=NOON + 2 * HOUR)


class Living:
    """An array of three that runs, at the fake EC2 too, and its leases."""

    def __init__(self) -> None:
        self.fakes = Fakes()
        self.world = self.fakes.world()
        self.ec2 = self.fakes.aws.ec2("us-east-1")

    async def begin(self, *own: LeaseRecord, state: LeaseState = LeaseState.ARMED) -> World:
        array = an_array(size=SIZE, state=ArrayState.READY, chunks=(), lease=LEASE)
        pool = msgspec.structs.replace(POOL_A, subnet_id=self.ec2.networks[0].id)
        made = await self.ec2.run_instances(build_request(array, a_chunk("0-2"), pool))
        members = (running(each.launch_index, instance=each.instance) for each in made)
        await record(self.world, array, *members)
        ranks = tuple(each.rank for each in own if each.rank is not None)
        parent = LeaseRecord(
            array_id=ARRAY_ID, lease=LEASE, deployment="test", own=ranks, state=state, version=4
        )
        for each in (parent, *own):
            await self.world.stores.leases.create(each.key, each)
        return self.world

    async def expire(self, rank: int | None = None, *, version: int = 4) -> None:
        over = Over(array_id=ARRAY_ID, rank=rank, version=version)
        command = Command(
            body=Expire(leases=(over,)),
            subject=SUBJECT_EXPIRE,
            owner="services",
            message_id="expire:1",
            delivered=1,
            sent_at=NOON,
        )
        await on_expire(command, self.world)

    async def array(self) -> Array:
        return (await self.world.stores.arrays.get(ARRAY_ID)).value

    async def member(self, rank: int) -> Member:
        return (await self.world.stores.members.get(lease_key(ARRAY_ID, rank))).value

    async def ending(self) -> list[int]:
        return [rank for rank in range(SIZE) if (await self.member(rank)).ending]


def own(rank: int, lease: Lease = LONGER, **changes: object) -> LeaseRecord:
    return msgspec.structs.replace(
        LeaseRecord(array_id=ARRAY_ID, rank=rank, lease=lease, deployment="test", version=4),
        **changes,
    )


async def test_a_member_s_own_lease_reaches_its_record_its_tag_and_its_machine_alone() -> None:
    living = Living()
    world = await living.begin(own(1))
    assert await drive(world, ARRAY_ID)
    member = await living.member(1)
    assert (member.lease, member.retag) == (LONGER, False)
    described = {each.launch_index: each for each in await living.ec2.describe_instances()}
    ends = [described[rank].tags[LEASE_TAG] for rank in range(SIZE)]
    assert ends == [format_instant(each.until) for each in (LEASE, LONGER, LEASE)]
    told = [(subject, tell.what) for subject, tell in living.fakes.bus.tells]
    assert told == [(f"spawn.tell.{ARRAY_ID}.{member.instance.id}", "assignment")]
    array, members = await living.array(), world.fleet.members(ARRAY_ID)
    assigned = assignment_of(array, members[1], roll_of(members), None, now=NOON)
    assert (assigned.lease, assigned.ends) == (LONGER, False)
    assert assignment_of(array, members[0], roll_of(members), None, now=NOON).lease == LEASE


async def test_a_member_whose_lease_is_over_ends_and_its_array_goes_on() -> None:
    living = Living()
    await living.begin(own(1, state=LeaseState.EXPIRING))
    for _ in range(2):
        await living.expire(1)
    assert await living.ending() == [1]
    assert (await living.array()).state is ArrayState.READY


@pytest.mark.parametrize(
    "record",
    [
        own(1),
        own(1, state=LeaseState.EXPIRING, version=3),
    ],
    ids=["still armed", "another version"],
)
async def test_a_stale_end_of_a_member_is_refused(record: LeaseRecord) -> None:
    living = Living()
    await living.begin(record)
    await living.expire(1)
    assert await living.ending() == []


async def test_a_lease_that_its_array_does_not_list_ends_nothing() -> None:
    living = Living()
    world = await living.begin()
    await world.stores.leases.create(lease_key(ARRAY_ID, 1), own(1, state=LeaseState.EXPIRING))
    await living.expire(1)
    assert await living.ending() == []


async def test_an_array_s_end_spares_those_whose_own_leases_go_on() -> None:
    living = Living()
    await living.begin(own(0, state=LeaseState.EXPIRING), own(2), state=LeaseState.EXPIRING)
    await living.expire()
    assert await living.ending() == [0, 1]
    assert (await living.array()).state is ArrayState.READY


async def test_an_array_ends_with_the_last_of_its_leases() -> None:
    living = Living()
    await living.begin(own(0, state=LeaseState.EXPIRING), state=LeaseState.EXPIRING)
    await living.expire()
    array = await living.array()
    assert (array.state, array.reason) == (ArrayState.TERMINATING, "its lease is over")


async def test_an_array_s_end_asks_on_for_successors_of_those_that_go_on() -> None:
    living = Living()
    world = await living.begin(own(2), state=LeaseState.EXPIRING)
    waiting = msgspec.structs.replace(await living.array(), chunks=(a_chunk("1-2"),), version=2)
    await write_array(world, ARRAY_ID, lambda _: waiting)
    await living.expire()
    assert [chunk.ranks for chunk in (await living.array()).chunks] == ["2"]
