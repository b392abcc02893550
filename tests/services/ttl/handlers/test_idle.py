from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.ttl.apply import name_ends
from services.ttl.handlers.commands import on_extend
from spawn.bus.beside import beside
from spawn.contracts.arrays import Array
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import IdleScope, digest
from spawn.contracts.lease_records import LeaseState, Over
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import Facts, Member, MemberState, member_key
from spawn.contracts.power import PowerTo
from spawn.errors import Rejected, Transient
from tests.builders import ARRAY_ID, a_chunk, an_instance, lost, running
from tests.fakes.bus import FakeStore
from tests.fakes.clock import NOON
from tests.services.ttl.idling import BUSY, Rig, idling, watching
from tests.services.ttl.worlds import LEASE, Overtaken, extension, living


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_an_idle_array_is_ended_by_its_lease(rig: Rig) -> None:
    await rig.place(idling())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(9)
        assert (await rig.record()).state is LeaseState.ARMED
        await rig.minutes(3)
    record = await rig.record()
    assert rig.overs() == [Over(array_id=ARRAY_ID, version=record.version)]
    assert record.state is LeaseState.EXPIRING
    (told,) = rig.told("lease.idled")
    assert getattr(told.data, "reason", "").startswith("idle for 10m: all quiet: CPU 0.4%")
    assert len(rig.told("lease.expired")) == 1


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        pytest.param({}, {"job_processes": 1}, id="its job runs"),
        pytest.param({}, BUSY, id="it computes"),
        pytest.param({}, {"gpu_share": None}, id="a sign is unknown"),
        pytest.param({"idle_timeout": ""}, {}, id="idleness does not count"),
    ],
)
async def test_what_works_or_may_work_goes_on(
    rig: Rig, spec: dict[str, Any], changes: dict[str, Any]
) -> None:
    await rig.place(idling(**spec))
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(30, {}, changes)
    assert rig.overs() == []
    assert (await rig.record()).state is LeaseState.ARMED


async def test_a_machine_that_has_fallen_silent_counts_as_working(rig: Rig) -> None:
    await rig.place(idling())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(8)
        await rig.minutes(20, {})
    assert rig.overs() == []
    idle = (await rig.record()).idle
    assert idle is not None
    assert idle.reason == "rank 1: its heartbeats have ceased"


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(running(1), id="it has not said hello"),
        pytest.param(running(1, facts=Facts()), id="its job has not ended"),
    ],
)
async def test_work_that_is_to_come_is_waited_for(rig: Rig, member: Member) -> None:
    array = idling()
    done = running(0, facts=Facts(), exit_code=0, state=MemberState.EXITED)
    await rig.place(with_job(array), done, member)
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(20)
    assert rig.overs() == []


def with_job(array: Array) -> Array:
    return living(spec=array.spec, size=2, command=digest("true"))


async def test_machines_whose_job_has_ended_may_be_idle(rig: Rig) -> None:
    exited: Callable[[int], Member] = lambda rank: running(  # noqa: E731 - one expression
        rank, facts=Facts(), exit_code=0, state=MemberState.EXITED
    )
    await rig.place(with_job(idling()), exited(0), exited(1))
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(15)
    assert len(rig.overs()) == 1


async def test_it_is_told_what_has_kept_an_array(rig: Rig) -> None:
    await rig.place(idling())
    async with watching(rig.world):
        await rig.minutes(6)
        idle = (await rig.record()).idle
        assert idle is not None
        assert idle.quiet_since is not None
        await rig.minutes(3, {}, BUSY)
    (kept,) = rig.told("lease.kept")
    assert getattr(kept.data, "reason", "") == "rank 1: CPU 50.0%"
    idle = (await rig.record()).idle
    assert idle is not None
    assert (idle.quiet_since, idle.reason) == (None, "rank 1: CPU 50.0%")


async def test_who_asks_for_more_time_is_at_work(rig: Rig) -> None:
    await rig.place(idling())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(8)
        await on_extend(extension(add_seconds=3600), rig.world)
        await rig.minutes(9)
        assert rig.overs() == []
        await rig.minutes(4)
    assert len(rig.overs()) == 1


async def test_after_a_restart_quiet_counts_anew(rig: Rig) -> None:
    await rig.place(idling())
    async with watching(rig.world):
        await rig.minutes(9)
    again = rig.fakes.world("b")
    async with beside(name_ends(again)), watching(again):
        await rig.minutes(8)
        assert rig.overs() == []
        await rig.minutes(5)
    assert len(rig.overs()) == 1


@pytest.mark.parametrize(
    ("action", "to"),
    [(LeaseAction.STOP, PowerTo.STOPPED), (LeaseAction.HIBERNATE, PowerTo.HIBERNATED)],
)
async def test_idle_machines_can_be_stopped_and_keep_their_lease(
    rig: Rig, action: LeaseAction, to: PowerTo
) -> None:
    array = idling(idle_action=action)
    await rig.place(array)
    async with watching(rig.world):
        await rig.minutes(12)
    (power,) = rig.powers()
    record = await rig.record()
    assert (power.to, power.ranks, power.lease_version) == (to, "", record.version)
    assert (record.state, record.lease) == (LeaseState.ARMED, array.lease)
    assert len(rig.told("lease.idled")) == 1


async def test_each_member_may_end_by_itself(rig: Rig) -> None:
    await rig.place(idling(idle_scope=IdleScope.MEMBER))
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(13, {}, BUSY)
    own = await rig.record(f"{ARRAY_ID}.0")
    assert rig.overs() == [Over(array_id=ARRAY_ID, version=own.version, rank=0)]
    assert (await rig.record()).state is LeaseState.ARMED


async def test_each_member_may_be_stopped_by_itself(rig: Rig) -> None:
    await rig.place(idling(idle_scope=IdleScope.MEMBER, idle_action=LeaseAction.STOP))
    async with watching(rig.world):
        await rig.minutes(13, BUSY, {})
    assert [power.ranks for power in rig.powers()] == ["1"]


async def test_an_array_that_is_over_is_forgotten(rig: Rig) -> None:
    await rig.place(idling())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(8)
        await rig.fakes.write_array(living(spec=idling(idle_timeout="").spec, size=2))
        await rig.minutes(8)
    assert rig.overs() == []


async def test_an_extension_that_comes_first_wins_over_idleness(rig: Rig) -> None:
    await rig.place(idling())
    plain = rig.world

    async def extend() -> None:
        await on_extend(extension(add_seconds=3600), plain)

    world = rig.fakes.world(
        door=lambda door: Overtaken(door, extend) if isinstance(door, FakeStore) else door
    )
    async with beside(name_ends(world)), watching(world):
        await rig.minutes(12)
        record = await rig.record()
        assert (record.state, rig.overs()) == (LeaseState.ARMED, [])
        assert record.lease.until == LEASE.until + timedelta(hours=1)
        await rig.minutes(10)
    assert len(rig.overs()) == 1


async def test_a_look_that_fails_is_made_up_for_by_the_next(rig: Rig) -> None:
    await rig.place(idling())
    fails = iter([True])

    class Away:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        async def load(self, pattern: str = ">") -> Any:
            if next(fails, False):
                raise Transient("the bus is away")
            return await self._store.load(pattern)

    world = rig.fakes.world(door=lambda door: Away(door) if isinstance(door, FakeStore) else door)
    async with beside(name_ends(world)), watching(world):
        await rig.minutes(14)
    assert next(fails, None) is None
    assert len(rig.overs()) == 1


async def test_members_that_are_idle_together_are_stopped_by_one_request(rig: Rig) -> None:
    await rig.place(idling(idle_scope=IdleScope.MEMBER, idle_action=LeaseAction.STOP))
    async with watching(rig.world):
        await rig.minutes(13)
    (power,) = rig.powers()
    assert (power.ranks, power.lease_version) == ("0-1", (await rig.record()).version)
    assert [getattr(each.data, "rank", None) for each in rig.told("lease.idled")] == [0, 1]


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(lost(1, changed_at=NOON + timedelta(minutes=15)), id="lost"),
        pytest.param(
            running(
                1,
                changed_at=NOON + timedelta(minutes=15),
                instance=an_instance(1, state=InstanceState.STOPPED),
            ),
            id="stopped",
        ),
    ],
)
async def test_an_array_that_has_lost_what_worked_was_not_idle_before(
    rig: Rig, left: Member
) -> None:
    await rig.place(idling())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(15, {}, BUSY)
        store = rig.world.stores.members
        key = member_key(ARRAY_ID, 1)
        await store.update(key, left, (await store.get(key)).revision)
        await rig.minutes(9, {})
        assert rig.overs() == []
        await rig.minutes(4, {})
    assert len(rig.overs()) == 1


async def test_an_array_is_not_idle_while_successors_are_asked_for(rig: Rig) -> None:
    array = msgspec.structs.replace(idling(), chunks=(a_chunk("1"),))
    await rig.place(array, *one_of_two())
    async with beside(name_ends(rig.world)), watching(rig.world):
        await rig.minutes(30, {})
    assert rig.overs() == []


def one_of_two() -> tuple[Member, ...]:
    return running(0, facts=Facts()), lost(1, changed_at=NOON)


async def test_a_lease_that_ends_during_a_look_does_no_harm(rig: Rig) -> None:
    refused = iter([True])

    class Late:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        async def load(self, pattern: str = ">") -> Any:
            if next(refused, False):
                raise Rejected("the lease ended", code="lease-over")
            return await self._store.load(pattern)

    await rig.place(idling())
    world = rig.fakes.world(door=lambda door: Late(door) if isinstance(door, FakeStore) else door)
    async with beside(name_ends(world)), watching(world):
        await rig.minutes(14)
    assert len(rig.overs()) == 1
