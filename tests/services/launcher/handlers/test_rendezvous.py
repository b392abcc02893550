from collections.abc import Iterable

import msgspec
import pytest

from services.launcher.apply.records import write_array, write_members
from services.launcher.handlers.rendezvous import (
    answer_peers,
    on_assignment,
    on_exec,
    on_report,
    on_roster,
)
from services.launcher.model import MemberChange
from services.launcher.plan.settlement import advance
from services.launcher.ports import World
from spawn.bus import codec
from spawn.bus.message import Message
from spawn.bus.ports import Reported, Request
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import (
    Ask,
    Assignment,
    ExecRequest,
    Peers,
    RosterRequest,
    tell_subject,
)
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.members import Facts, Member, MemberState
from spawn.contracts.reports import Hello, JobExited, Report
from spawn.errors import NotFound, Rejected, Transient
from tests.builders import ARRAY_ID, NOON, a_chunk, an_array, an_instance, lost, running
from tests.services.launcher.plan.views import with_intent
from tests.services.launcher.worlds import Fakes, record, record_member

FACTS = Facts(hostname="ip-10-0-0-1", slots=4)
HELLO = Hello(generation=0, at=NOON, boot_id="b", agent_version="1", facts=FACTS)
EXITED = JobExited(generation=0, at=NOON, exit_code=3, reason="over its time")
FIRST, SECOND, STRANGER = (an_instance(number).id for number in (0, 1, 9))


def placed(size: int = 2, **changes: object) -> Array:
    return an_array(size=size, **{"chunks": (), "state": ArrayState.READY, **changes})


def greeted(rank: int) -> Member:
    return running(rank, state=MemberState.READY, facts=FACTS, hellos=1)


def subject(verb: str, instance: InstanceId, array: ArrayId = ARRAY_ID) -> str:
    return f"spawn.api.launcher.{verb}.{array}.{instance}"


async def assignment(world: World, instance: InstanceId, array: ArrayId = ARRAY_ID) -> Assignment:
    asked = Request(body=Ask(), subject=subject("assignment", instance, array))
    return await on_assignment(asked, world)


async def encoded_peers(world: World, instance: InstanceId, page: int = 0) -> bytes:
    message = Message(subject=subject("peers", instance), data=codec.encode(Ask(page=page)))
    return await answer_peers(message, world)


async def peers(world: World, instance: InstanceId) -> Peers:
    return codec.decode(await encoded_peers(world, instance), Peers)


async def report(world: World, instance: InstanceId, body: Report) -> None:
    said = Reported(report=body, array_id=ARRAY_ID, instance_id=instance, sequence=1)
    await on_report(said, world)


async def ask_exec(world: World, **changes: object) -> tuple[str, tuple[int, ...]]:
    body = ExecRequest(array_id=ARRAY_ID, argv=("ls", "-l"))
    request = Request(
        body=msgspec.structs.replace(body, **changes), subject="spawn.api.launcher.exec"
    )
    started = await on_exec(request, world)
    return started.exec_id, started.ranks


class TestAssignment:
    async def test_a_machine_is_told_what_it_is_and_what_to_run(self) -> None:
        world = Fakes().world()
        await record(world, placed(), running(0), running(1))
        job = JobSpec(command="true")
        await world.stores.specs.create(ARRAY_ID, job)
        told = await assignment(world, SECOND)
        assert (told.array_id, told.rank, told.size, told.job) == (ARRAY_ID, 1, 2, job)

    async def test_the_job_is_read_once_and_forgotten_with_the_array(self) -> None:
        world = Fakes().world()
        await record(world, placed(), running(0))
        await world.stores.specs.create(ARRAY_ID, JobSpec(command="true"))
        await assignment(world, FIRST)
        await world.stores.specs.delete(ARRAY_ID)
        assert (await assignment(world, FIRST)).job.command == "true"
        world.memory.forget_answers(ARRAY_ID)
        told = await assignment(world, FIRST)
        assert (told.job, told.job_known) == (JobSpec(), False)

    async def test_an_adopted_member_is_told_what_is_known(self) -> None:
        world = Fakes().world()
        adopted = placed(state=ArrayState.RECOVERED, placement=None)
        await record(world, adopted, running(0), running(1))
        told = await assignment(world, FIRST)
        assert (told.rank, told.size, told.lease) == (0, 2, adopted.lease)
        assert (told.job_known, told.heard) == (False, False)
        for instance in (FIRST, SECOND):
            assert not (await peers(world, instance)).complete
            await report(world, instance, HELLO)
        assert (await assignment(world, FIRST)).heard
        assert (await peers(world, FIRST)).complete

    async def test_a_replica_whose_copy_lags_behind_asks_the_bucket(self) -> None:
        fakes = Fakes()
        await record(fakes.world("a"), placed(), running(0), running(1))
        assert (await assignment(fakes.world("b"), SECOND)).rank == 1

    async def test_a_member_that_the_copy_does_not_have_yet_is_looked_up(self) -> None:
        fakes = Fakes()
        one, other = fakes.world("a"), fakes.world("b")
        await record(one, placed(), running(0))
        await assignment(other, FIRST)
        await record_member(one, running(1))
        assert (await assignment(other, SECOND)).rank == 1

    async def test_a_machine_that_is_nobodys_is_not_found(self) -> None:
        world = Fakes().world()
        await record(world, placed(), running(0))
        with pytest.raises(NotFound, match="no member"):
            await assignment(world, STRANGER)

    async def test_a_machine_of_another_array_is_not_found(self) -> None:
        world = Fakes().world()
        other = ArrayId("other-aaaaaaaaaaaa")
        await record(world, placed(), running(0))
        its_own = running(0, array_id=other, instance=an_instance(9))
        await record(world, placed(id=other), its_own)
        assert (await assignment(world, STRANGER, other)).array_id == other
        with pytest.raises(NotFound):
            await assignment(world, STRANGER)

    async def test_an_array_that_there_is_not_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            await assignment(Fakes().world(), FIRST)

    async def test_a_machine_that_booted_before_its_call_was_settled_asks_later(self) -> None:
        world = Fakes().world()
        await record(world, with_intent(an_array(size=2)))
        with pytest.raises(Transient, match="yet"):
            await assignment(world, FIRST)

    async def test_whose_instance_was_replaced_is_no_member_any_more(self) -> None:
        world = Fakes().world()
        successor = running(0, generation=1, instance=an_instance(9))
        await record(world, placed(1), successor)
        assert (await assignment(world, STRANGER)).generation == 1
        with pytest.raises(NotFound):
            await assignment(world, FIRST)


class TestPeers:
    async def test_all_machines_are_answered_from_one_encoding(self) -> None:
        world = Fakes().world()
        await record(world, placed(), greeted(0), greeted(1))
        first, second = [await encoded_peers(world, each) for each in (FIRST, SECOND)]
        assert first is second
        assert codec.decode(first, Peers).complete

    async def test_a_list_that_the_bus_does_not_take_comes_in_pages(self) -> None:
        world = Fakes().world()
        facts = Facts(user_key="k" * 400_000)
        many = [running(rank, state=MemberState.READY, facts=facts, hellos=1) for rank in range(3)]
        await record(world, placed(3), *many)
        encoded = [await encoded_peers(world, FIRST, page) for page in range(4)]
        pages = [codec.decode(codec.check_size(each), Peers) for each in encoded]
        assert [[each.index for each in page.peers] for page in pages] == [[0], [1], [2], [2]]
        assert {page.edition for page in pages} == {pages[0].edition}
        asked = RosterRequest(array_id=ARRAY_ID, page=1)
        roster = await on_roster(Request(body=asked, subject="spawn.api.launcher.roster"), world)
        assert roster == pages[1]

    async def test_a_hello_makes_the_answer_anew(self) -> None:
        world = Fakes().world()
        await record(world, placed(), greeted(0), running(1))
        assert [each.index for each in (await peers(world, FIRST)).peers] == [0]
        await report(world, SECOND, HELLO)
        after = await peers(world, FIRST)
        assert ([each.index for each in after.peers], after.complete) == ([0, 1], True)

    async def test_a_hello_with_other_facts_makes_the_answer_anew(self) -> None:
        world = Fakes().world()
        await record(world, placed(1), greeted(0))
        before = await peers(world, FIRST)
        other = Facts(hostname="other")
        await report(world, FIRST, msgspec.structs.replace(HELLO, facts=other))
        after = await peers(world, FIRST)
        assert after.peers[0].facts == other
        assert after.revision > before.revision

    async def test_a_loss_before_the_hello_makes_the_answer_anew(self) -> None:
        world = Fakes().world()
        await record(world, placed(min_count=1), greeted(0), running(1))
        assert not (await peers(world, FIRST)).complete
        gone = MemberChange(member=lost(1, version=2), reason="gone")
        await write_members(world, (gone,))
        after = await peers(world, FIRST)
        assert (after.complete, after.size) == (True, 1)

    async def test_the_array_going_on_makes_the_answer_anew(self) -> None:
        world = Fakes().world()
        array = an_array(size=2, min_count=1, chunks=(a_chunk("1"),))
        await record(world, array, greeted(0))
        assert not (await peers(world, FIRST)).complete
        await write_array(world, ARRAY_ID, lambda before: advance(before, NOON, chunks=()))
        assert (await peers(world, FIRST)).complete

    async def test_who_is_no_member_is_told_nothing(self) -> None:
        world = Fakes().world()
        await record(world, placed(), greeted(0))
        with pytest.raises(NotFound):
            await encoded_peers(world, STRANGER)

    async def test_a_roster_is_the_same_for_somebody_outside(self) -> None:
        world = Fakes().world()
        await record(world, placed(), greeted(0), running(1))
        asked = Request(body=RosterRequest(array_id=ARRAY_ID), subject="spawn.api.launcher.roster")
        assert await on_roster(asked, world) == await peers(world, FIRST)

    async def test_there_is_no_roster_of_an_array_that_there_is_not(self) -> None:
        asked = Request(body=RosterRequest(array_id=ARRAY_ID), subject="spawn.api.launcher.roster")
        with pytest.raises(NotFound):
            await on_roster(asked, Fakes().world())


class TestExec:
    async def test_every_machine_that_answers_is_told(self) -> None:
        fakes = Fakes()
        world = fakes.world()
        await record(world, placed(4), greeted(0), running(1), greeted(2), lost(3, facts=FACTS))
        exec_id, ranks = await ask_exec(world, timeout_seconds=90)
        assert ranks == (0, 2)
        assert [to for to, _ in fakes.bus.tells] == [
            tell_subject(ARRAY_ID, an_instance(rank).id) for rank in ranks
        ]
        (tell,) = {tell for _, tell in fakes.bus.tells}
        assert (tell.what, tell.exec_id, tell.argv) == ("exec", exec_id, ("ls", "-l"))
        assert tell.timeout_seconds == 90

    async def test_each_rank_that_is_named_is_told_once(self) -> None:
        fakes = Fakes()
        world = fakes.world()
        await record(world, placed(3), *(greeted(rank) for rank in range(3)))
        _, ranks = await ask_exec(world, ranks=(2, 0, 2))
        assert ranks == (0, 2)
        assert len(fakes.bus.tells) == 2

    async def test_two_requests_have_two_ids(self) -> None:
        world = Fakes().world()
        await record(world, placed(1), greeted(0))
        assert await ask_exec(world) != await ask_exec(world)

    @pytest.mark.parametrize(
        ("held", "ranks", "said"),
        [
            pytest.param((greeted(0), running(1)), (0, 1), "ranks 1 of", id="one is silent"),
            pytest.param((greeted(0),), (0, 7), "ranks 7 of", id="a rank that there is not"),
            pytest.param((running(0),), (), ": no machine answers there", id="all are silent"),
            pytest.param((lost(0, facts=FACTS),), (0,), "ranks 0 of", id="it is gone"),
        ],
    )
    async def test_nothing_is_told_when_one_of_those_named_cannot_answer(
        self, held: Iterable[Member], ranks: tuple[int, ...], said: str
    ) -> None:
        fakes = Fakes()
        world = fakes.world()
        await record(world, placed(), *held)
        with pytest.raises(Rejected) as refused:
            await ask_exec(world, ranks=ranks)
        assert (refused.value.field, said in refused.value.message) == ("ranks", True)
        assert fakes.bus.tells == []

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            pytest.param({"argv": ()}, "argv", id="no command"),
            pytest.param({"timeout_seconds": 0}, "timeout_seconds", id="no time"),
            pytest.param({"timeout_seconds": 3601}, "timeout_seconds", id="too long"),
        ],
    )
    async def test_what_cannot_be_run(self, changes: dict[str, object], field: str) -> None:
        world = Fakes().world()
        await record(world, placed(1), greeted(0))
        with pytest.raises(Rejected) as refused:
            await ask_exec(world, **changes)
        assert refused.value.field == field
