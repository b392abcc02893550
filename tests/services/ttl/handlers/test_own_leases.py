"""Leases of single members: split off from their array's, and their own course from there."""

from datetime import timedelta

import msgspec
import pytest

from services.ttl.apply import name_ends
from services.ttl.handlers.commands import on_extend
from services.ttl.handlers.course import on_accepted, on_ended
from services.ttl.handlers.sweep import sweep
from services.ttl.ports import World
from spawn.bus.beside import beside
from spawn.bus.ports import Fact
from spawn.contracts import lease_records, members
from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import ArrayTerminated, Event, LeaseExpired, LeaseRefused, LeaseSet
from spawn.contracts.instances import InstanceState
from spawn.contracts.lease_records import LeaseRecord, LeaseState, Over, lease_key
from spawn.contracts.members import Member, MemberState, member_key
from tests.builders import ARRAY_ID, a_member, an_ending, an_instance
from tests.fakes.bus import FakeStore
from tests.fakes.clock import NOON
from tests.services.ttl.worlds import LEASE, Fakes, accepted, extension, living, pass_time

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RANK = 2
TIMER = f"{ARRAY_ID}.lease.{RANK}"


@pytest.fixture
async def fakes() -> Fakes:
    fakes = Fakes()
    await fakes.write_array(living())
    return fakes


@pytest.fixture
async def world(fakes: Fakes) -> World:
    world = fakes.world()
    await on_accepted(accepted(), world)
    return world


async def own(fakes: Fakes, rank: int = RANK) -> LeaseRecord:
    store = FakeStore(fakes.bus, lease_records.BUCKET, LeaseRecord)
    return (await store.get(lease_key(ARRAY_ID, rank))).value


def refusal(fakes: Fakes) -> LeaseRefused:
    refused = fakes.bus.events[-1].data
    assert isinstance(refused, LeaseRefused)
    return refused


async def test_a_member_that_is_extended_outlives_its_array(fakes: Fakes, world: World) -> None:
    await on_extend(extension(rank=RANK, add_seconds=3600), world)
    granted = fakes.bus.events[-1].data
    assert isinstance(granted, LeaseSet)
    assert (granted.rank, granted.before) == (RANK, LEASE.until)
    assert (await fakes.lease()).own == (RANK,)
    assert (await fakes.lease()).lease == LEASE
    await pass_time(fakes, world, HOUR)
    (array,) = fakes.overs()
    assert (array.array_id, array.rank) == (ARRAY_ID, None)
    await pass_time(fakes, world, HOUR)
    assert fakes.overs()[1:] == [
        Over(array_id=ARRAY_ID, rank=RANK, version=(await own(fakes)).version)
    ]
    ends = [each.data for each in fakes.bus.events if isinstance(each.data, LeaseExpired)]
    assert [(each.rank, each.lease.until) for each in ends] == [
        (None, LEASE.until),
        (RANK, LEASE.until + HOUR),
    ]


async def test_a_member_that_has_its_own_end_keeps_it_when_its_array_is_extended(
    fakes: Fakes, world: World
) -> None:
    await on_extend(extension("a", rank=RANK, until=NOON + 20 * MINUTE), world)
    await on_extend(extension("b", add_seconds=3600), world)
    await pass_time(fakes, world, 20 * MINUTE)
    assert [each.rank for each in fakes.overs()] == [RANK]


async def test_an_extension_that_is_refused_leaves_the_member_with_its_array(
    fakes: Fakes, world: World
) -> None:
    await on_extend(extension(rank=RANK, add_seconds=10**9), world)
    assert refusal(fakes).rank == RANK
    assert (await fakes.lease()).own == ()
    assert TIMER not in fakes.schedules.timers


@pytest.mark.parametrize("rank", [4, -1])
async def test_an_array_has_no_other_ranks(fakes: Fakes, world: World, rank: int) -> None:
    await on_extend(extension(rank=rank, add_seconds=60), world)
    assert refusal(fakes).code == "gone"


@pytest.mark.parametrize(
    "changes",
    [
        {
            "state": MemberState.EXITED,
            "instance": an_instance(RANK, state=InstanceState.TERMINATED),
        },
        {"ending": "its lease is over"},
    ],
    ids=["gone", "being ended"],
)
async def test_a_member_that_has_ended_is_not_extended(
    fakes: Fakes, world: World, changes: dict[str, object]
) -> None:
    store = FakeStore(fakes.bus, members.BUCKET, Member)
    await store.create(member_key(ARRAY_ID, RANK), a_member(RANK, **changes))
    await on_extend(extension(rank=RANK, add_seconds=60), world)
    assert refusal(fakes).code == "ending"


async def test_once_its_array_s_lease_is_over_no_member_gets_its_own(
    fakes: Fakes, world: World
) -> None:
    await pass_time(fakes, world, HOUR)
    await on_extend(extension(rank=RANK, add_seconds=60), world)
    assert refusal(fakes).code == "lease-over"


async def test_what_an_unfinished_change_left_does_not_count(fakes: Fakes, world: World) -> None:
    store = FakeStore(fakes.bus, lease_records.BUCKET, LeaseRecord)
    left = LeaseRecord(
        array_id=ARRAY_ID,
        rank=RANK,
        lease=msgspec.structs.replace(LEASE, until=NOON + MINUTE),
        deployment="test",
        state=LeaseState.EXPIRING,
        version=5,
    )
    await store.create(left.key, left)
    fakes.clock.move(2 * MINUTE)
    await sweep(world, is_first=True)
    assert fakes.overs() == []
    await on_extend(extension(rank=RANK, add_seconds=60), world)
    assert (await own(fakes)).lease.until == LEASE.until + MINUTE


async def test_a_sweep_sets_a_member_s_timer_that_is_missing(fakes: Fakes, world: World) -> None:
    await on_extend(extension(rank=RANK, add_seconds=60), world)
    del fakes.schedules.timers[TIMER]
    await sweep(world)
    assert TIMER in fakes.schedules.timers


async def test_an_end_that_nobody_acts_on_is_asked_for_again(fakes: Fakes, world: World) -> None:
    await on_extend(extension(rank=RANK, until=NOON + MINUTE), world)
    store = FakeStore(fakes.bus, members.BUCKET, Member)
    revision = await store.create(member_key(ARRAY_ID, RANK), a_member(RANK))
    await pass_time(fakes, world, 2 * MINUTE)
    assert len(fakes.overs()) == 1
    from_sweep = fakes.world("b")
    async with beside(name_ends(from_sweep)):
        await sweep(from_sweep)
    assert len(fakes.overs()) == 2
    ended = a_member(RANK, ending="its lease is over")
    await store.update(member_key(ARRAY_ID, RANK), ended, revision)
    async with beside(name_ends(from_sweep)):
        await sweep(from_sweep)
    assert len(fakes.overs()) == 2


async def test_with_its_array_everything_of_a_member_is_forgotten(
    fakes: Fakes, world: World
) -> None:
    await on_extend(extension(rank=RANK, add_seconds=60), world)
    over = msgspec.structs.replace(living(), state=ArrayState.TERMINATED, ending=an_ending())
    await fakes.write_array(over)
    data = ArrayTerminated(reason="asked for")
    event = Event(id="e", array_id=ARRAY_ID, source="/spawn/test/launcher", time=NOON, data=data)
    await on_ended(Fact(event=event, sequence=1, delivered=1), world)
    assert fakes.schedules.timers == {}
    left = fakes.bus.buckets[lease_records.BUCKET].records.values()
    assert all(each.data is None for each in left)
