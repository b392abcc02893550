import msgspec
import pytest

from services.launcher.apply.records import refresh
from services.launcher.handlers.rendezvous import on_report
from services.launcher.ports import World
from spawn.bus.ports import Reported
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import MemberExited, MemberReady
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Facts, MemberState, member_key
from spawn.contracts.reports import Hello, JobExited, Report
from spawn.errors import NotFound, Transient
from tests.builders import ARRAY_ID, NOON, a_member, an_array, an_instance
from tests.services.launcher.plan.views import with_intent
from tests.services.launcher.worlds import Fakes, record

FACTS = Facts(hostname="ip-10-0-0-1", slots=4)
HELLO = Hello(generation=0, at=NOON, boot_id="b", agent_version="1", facts=FACTS)
EXITED = JobExited(generation=0, at=NOON, exit_code=3, reason="over its time")
FIRST, STRANGER = an_instance(0).id, an_instance(9).id


def placed(size: int = 2) -> Array:
    return an_array(size=size, chunks=(), state=ArrayState.READY)


async def report(world: World, instance: InstanceId, body: Report) -> None:
    said = Reported(report=body, array_id=ARRAY_ID, instance_id=instance, sequence=1)
    await on_report(said, world)


async def test_a_hello_is_recorded_and_told() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, placed(1), a_member(0))
    await report(world, FIRST, HELLO)
    stored = (await world.stores.members.get(member_key(ARRAY_ID, 0))).value
    assert (stored.state, stored.facts, stored.hellos) == (MemberState.READY, FACTS, 1)
    assert [type(event.data) for event in fakes.bus.events] == [MemberReady]


async def test_the_same_report_again_changes_nothing() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, placed(1), a_member(0))
    for _ in range(3):
        await report(world, FIRST, EXITED)
    stored = (await world.stores.members.get(member_key(ARRAY_ID, 0))).value
    assert (stored.version, stored.exit_code, stored.reason) == (2, 3, "over its time")
    assert [type(event.data) for event in fakes.bus.events] == [MemberExited]


async def test_a_report_is_kept_beside_what_another_writer_wrote_first() -> None:
    fakes = Fakes()
    one, other = fakes.world("a"), fakes.world("b")
    await record(one, placed(1), a_member(0))
    await refresh(other, ARRAY_ID)
    # The one's copy is now older than the bucket, as the other's would be an instant later.
    await report(other, FIRST, HELLO)
    await report(one, FIRST, EXITED)
    stored = (await one.stores.members.get(member_key(ARRAY_ID, 0))).value
    assert (stored.state, stored.facts) == (MemberState.EXITED, FACTS)
    assert (stored.exit_code, stored.version) == (3, 3)
    assert [type(event.data) for event in fakes.bus.events] == [MemberReady, MemberExited]


async def test_both_replicas_given_the_same_report_record_it_once() -> None:
    fakes = Fakes()
    one, other = fakes.world("a"), fakes.world("b")
    await record(one, placed(1), a_member(0))
    await refresh(other, ARRAY_ID)
    await report(one, FIRST, HELLO)
    await report(other, FIRST, HELLO)
    stored = (await one.stores.members.get(member_key(ARRAY_ID, 0))).value
    assert stored.version == 2
    assert len(fakes.bus.events) == 1


async def test_a_report_of_nobodys_machine_is_refused() -> None:
    world = Fakes().world()
    await record(world, placed(1), a_member(0))
    with pytest.raises(NotFound):
        await report(world, STRANGER, HELLO)


async def test_a_report_that_is_faster_than_its_record_comes_again() -> None:
    world = Fakes().world()
    await record(world, with_intent(an_array(size=1)))
    with pytest.raises(Transient):
        await report(world, FIRST, HELLO)


async def test_a_report_of_another_generation_is_passed_over() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, placed(1), a_member(0, generation=1))
    await report(world, FIRST, HELLO)
    assert fakes.bus.events == []


async def test_a_reason_of_any_length_fits_the_record() -> None:
    world = Fakes().world()
    await record(world, placed(1), a_member(0))
    await report(world, FIRST, msgspec.structs.replace(EXITED, reason="x" * 700_000))
    stored = (await world.stores.members.get(member_key(ARRAY_ID, 0))).value
    assert len(stored.reason) == 300
