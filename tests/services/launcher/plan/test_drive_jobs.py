"""What becomes of an array once its machines say how they are."""

from typing import Any

import msgspec
import pytest

from services.launcher.model import End, Nudge, Place, Step, Write
from services.launcher.plan.drive import is_at_rest, next_steps
from services.launcher.plan.rendezvous import revision_of
from spawn.contracts.arrays import Array, ArrayState, Boot
from spawn.contracts.events import ArrayFinished, ArrayReady
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import Digest, LaunchSpec, OnMemberFailure, WaitFor
from spawn.contracts.members import Facts, Member, MemberState
from tests.builders import PLACEMENT, a_chunk, an_array, an_instance, lost, running
from tests.services.launcher.plan.views import a_view, with_intent

FACTS = Facts(hostname="h")
BOOT = Boot(agent_url="https://x", agent_sha256="0", bus_url="nats://x")
MACHINES = msgspec.structs.replace(PLACEMENT, boot=BOOT)
SPEC = LaunchSpec(name="training", count=2, region="us-east-1")


def greeted(rank: int, **changes: Any) -> Member:
    return running(rank, **{"state": MemberState.READY, "facts": FACTS, "hellos": 1, **changes})


def exited(rank: int, code: int = 0, **changes: Any) -> Member:
    return greeted(rank, state=MemberState.EXITED, exit_code=code, **changes)


def gone(rank: int, code: int = 0) -> Member:
    """Return a member whose machine has ended itself after its job."""
    return exited(rank, code, instance=an_instance(rank, state=InstanceState.TERMINATED))


def at_work(state: ArrayState = ArrayState.READY, **changes: Any) -> Array:
    array = an_array(size=2, chunks=(), state=state, placement=MACHINES, command=Digest(4, "0"))
    return msgspec.structs.replace(array, **changes)


def steps(array: Array, *members: Member) -> tuple[Step, ...]:
    """Return what is next when the machines know of their peers."""
    return next_steps(a_view(array, members, told=revision_of(members)))


def written(taken: tuple[Step, ...]) -> Array:
    (step,) = taken
    assert isinstance(step, Write)
    return step.array


class TestWaitingForAgents:
    WANTED = msgspec.structs.replace(SPEC, wait_for=WaitFor.AGENT)
    LAUNCHING = at_work(ArrayState.LAUNCHING, spec=WANTED)

    @pytest.mark.parametrize(
        "second",
        [
            pytest.param(running(1), id="one runs and has not said hello"),
            pytest.param(
                msgspec.structs.replace(running(1), state=MemberState.LAUNCHED), id="boots"
            ),
        ],
    )
    def test_an_array_is_not_ready_before_every_agent_has_said_hello(self, second: Member) -> None:
        assert steps(self.LAUNCHING, greeted(0), second) == ()

    @pytest.mark.parametrize(
        "second", [greeted(1), exited(1), gone(1)], ids=["at work", "done", "done and gone"]
    )
    def test_it_is_once_every_agent_has(self, second: Member) -> None:
        array = written(steps(self.LAUNCHING, greeted(0), second))
        assert array.state is ArrayState.READY
        (event,) = array.outbox
        assert isinstance(event.data, ArrayReady)
        assert event.data.ready == 2

    def test_without_the_wish_it_is_ready_when_its_instances_run(self) -> None:
        array = at_work(ArrayState.LAUNCHING)
        assert written(steps(array, running(0), running(1))).state is ArrayState.READY

    def test_a_job_that_is_faster_than_the_launch_makes_nothing_hopeless(self) -> None:
        array = at_work(ArrayState.LAUNCHING, chunks=(a_chunk("1"),))
        assert not any(isinstance(step, Write) for step in steps(array, gone(0)))


class TestAFailureBeforeAllAreThere:
    STRICT = msgspec.structs.replace(SPEC, on_member_failure=OnMemberFailure.FAIL_ARRAY)
    WAITING = at_work(ArrayState.LAUNCHING, chunks=(a_chunk("1"),))

    def test_it_ends_the_array_where_that_is_wanted(self) -> None:
        array = msgspec.structs.replace(self.WAITING, spec=self.STRICT)
        after = written(steps(array, exited(0, 3)))
        assert (after.state, after.chunks) == (ArrayState.TERMINATING, ())
        assert after.ending is not None
        assert (after.ending.state, after.ending.code) == (ArrayState.FAILED, "member-failed")
        assert "rank 0: exited with 3" in after.reason
        (event,) = after.outbox
        assert isinstance(event.data, ArrayFinished)
        assert (event.data.succeeded, event.data.failed_ranks) == (False, "0")

    @pytest.mark.parametrize(
        ("array", "first"),
        [
            pytest.param(WAITING, exited(0, 3), id="the others are to go on"),
            pytest.param(
                msgspec.structs.replace(WAITING, spec=STRICT), exited(0), id="it has not failed"
            ),
        ],
    )
    def test_otherwise_the_launch_goes_on(self, array: Array, first: Member) -> None:
        assert [type(step) for step in steps(array, first)] == [Place]


class TestTellingPeers:
    @pytest.mark.parametrize(
        "state", [ArrayState.LAUNCHING, ArrayState.READY, ArrayState.DEGRADED]
    )
    def test_machines_are_told_once_their_peers_are_complete(self, state: ArrayState) -> None:
        members = (greeted(0), greeted(1))
        taken = next_steps(a_view(at_work(state), members))
        assert taken[0] == Nudge(revision=2, reason="the peers are complete")
        again = next_steps(a_view(at_work(state), members, told=2))
        assert not any(isinstance(step, Nudge) for step in again)

    def test_those_of_an_adopted_array_are_once_all_ranks_are_found(self) -> None:
        array = at_work(ArrayState.RECOVERED, placement=None, command=None)
        taken = next_steps(a_view(array, (greeted(0), greeted(1))))
        assert taken == (Nudge(revision=2, reason="the peers are complete"),)

    def test_a_replacement_that_has_said_hello_is_told_of_too(self) -> None:
        members = (greeted(0), greeted(1, generation=1, hellos=2))
        taken = next_steps(a_view(at_work(), members, told=2))
        assert taken == (Nudge(revision=4, reason="the peers are complete"),)

    @pytest.mark.parametrize(
        ("array", "members"),
        [
            pytest.param(at_work(), (greeted(0), running(1)), id="one has not said hello"),
            pytest.param(
                at_work(ArrayState.LAUNCHING, chunks=(a_chunk("1"),)),
                (greeted(0),),
                id="a rank waits for a pool",
            ),
            pytest.param(
                with_intent(at_work(ArrayState.LAUNCHING, chunks=(a_chunk("1"),), size=2)),
                (greeted(0),),
                id="a call is open",
            ),
            pytest.param(
                at_work(ArrayState.RECOVERED, placement=None),
                (greeted(0),),
                id="who was adopted: a rank has not been found",
            ),
        ],
    )
    def test_nobody_is_told_before(self, array: Array, members: tuple[Member, ...]) -> None:
        taken = next_steps(a_view(array, members))
        assert not any(isinstance(step, Nudge) for step in taken)


class TestTheJobsEnd:
    def test_an_array_with_a_job_at_work_rests(self) -> None:
        assert steps(at_work(), greeted(0), exited(1)) == ()

    @pytest.mark.parametrize("state", [ArrayState.READY, ArrayState.DEGRADED])
    def test_it_is_finished_when_every_member_has_exited(self, state: ArrayState) -> None:
        array = written(steps(at_work(state), exited(0), gone(1)))
        assert (array.state, array.ending) == (ArrayState.FINISHED, None)
        (event,) = array.outbox
        assert event.data == ArrayFinished(succeeded=True)
        assert is_at_rest(array)

    def test_it_is_finished_before_it_is_ended_however_fast_its_machines_went(self) -> None:
        members = (gone(0), gone(1, 3))
        finished = written(steps(at_work(), *members))
        assert finished.state is ArrayState.FINISHED
        assert finished.outbox[0].data == ArrayFinished(
            succeeded=False, failed_ranks="1", exit_codes={"1": 3}
        )
        ended = written(steps(finished, *members))
        assert (ended.state, ended.reason) == (
            ArrayState.TERMINATING,
            "its job has ended: rank 1: exited with 3",
        )
        assert ended.ending is not None
        assert ended.ending.state is ArrayState.TERMINATED
        over = written(steps(ended, *members))
        assert over.state is ArrayState.TERMINATED

    def test_a_finished_array_whose_machines_stay_rests_until_its_lease(self) -> None:
        finished = written(steps(at_work(), exited(0), exited(1)))
        assert steps(finished, exited(0), exited(1)) == ()
        assert steps(finished, exited(0), gone(1)) == ()

    def test_a_machine_that_was_lost_has_failed(self) -> None:
        array = written(steps(at_work(), exited(0), lost(1, facts=FACTS)))
        assert (array.state, array.reason) == (ArrayState.FINISHED, "rank 1: gone")

    def test_while_others_work_a_loss_only_degrades(self) -> None:
        array = written(steps(at_work(), greeted(0), lost(1, facts=FACTS)))
        assert array.state is ArrayState.DEGRADED
        assert steps(array, greeted(0), lost(1, facts=FACTS)) == ()

    def test_the_first_failure_ends_an_array_that_wants_it_so(self) -> None:
        spec = msgspec.structs.replace(SPEC, on_member_failure=OnMemberFailure.FAIL_ARRAY)
        members = (greeted(0), exited(1, 3))
        array = written(steps(at_work(spec=spec), *members))
        assert array.state is ArrayState.TERMINATING
        assert [type(event.data) for event in array.outbox] == [ArrayFinished]
        (step,) = steps(array, *members)
        assert isinstance(step, End)
        assert step.instance_ids == (an_instance(0).id, an_instance(1).id)
        over = written(steps(array, gone(0), gone(1, 3)))
        assert (over.state, over.reason) == (ArrayState.FAILED, "rank 1: exited with 3")

    def test_an_array_without_a_job_never_finishes(self) -> None:
        array = at_work(command=None)
        assert steps(array, exited(0), exited(1)) == ()
        ended = written(steps(array, gone(0), gone(1)))
        assert ended.reason == "all its instances were ended from outside"

    def test_a_copy_that_knows_no_member_yet_finishes_nothing(self) -> None:
        assert steps(at_work()) == ()


class TestAJobThatCannotBegin:
    """The others wait for a hello that never comes."""

    def test_too_few_are_left(self) -> None:
        array = written(steps(at_work(), greeted(0), lost(1)))
        assert array.state is ArrayState.TERMINATING
        assert array.ending is not None
        assert (array.ending.state, array.ending.code) == (ArrayState.FAILED, "lost")
        assert array.reason == (
            "fewer than the 2 wanted are left to begin the job. ranks 1 are lost: gone"
        )

    @pytest.mark.parametrize(
        ("array", "second"),
        [
            pytest.param(at_work(min_count=1), lost(1), id="one can be spared"),
            pytest.param(at_work(), lost(1, facts=FACTS), id="it was lost after its hello"),
            pytest.param(at_work(), running(1), id="its hello may still come"),
            pytest.param(at_work(placement=PLACEMENT), lost(1), id="machines run no agent"),
            pytest.param(at_work(command=None), lost(1), id="there is no job"),
            pytest.param(
                at_work(ArrayState.RECOVERED), lost(1), id="what was adopted runs until its lease"
            ),
        ],
    )
    def test_otherwise_the_array_goes_on(self, array: Array, second: Member) -> None:
        for step in steps(array, greeted(0), second):
            assert not isinstance(step, Write) or step.array.ending is None
