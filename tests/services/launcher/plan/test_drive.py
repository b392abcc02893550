from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.launcher.model import End, LookUp, Place, Resend, Step, Trace, Write
from services.launcher.plan.drive import (
    TOLD,
    has_told,
    is_at_rest,
    launching,
    next_steps,
    reject,
)
from services.launcher.plan.ladder import split_chunks
from services.launcher.plan.settlement import end, give_up
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    ArrayDegraded,
    ArrayFailed,
    ArrayLaunching,
    ArrayReady,
    ArrayRejected,
    ArrayTerminated,
)
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Refusal
from spawn.errors import Rejected
from tests.builders import (
    NOON,
    PLACEMENT,
    POOL_A,
    a_chunk,
    a_member,
    an_array,
    an_ending,
    an_instance,
    lost,
    running,
)
from tests.services.launcher.plan.views import LEASE_OVER, a_view, over_is_over, with_intent

REFUSAL = Refusal(pool=POOL_A, code="NoCapacity", message="none left", asked=4, launched=1)
ALL_RUN = [running(rank) for rank in range(4)]
ENDING = an_array(state=ArrayState.TERMINATING, ending=an_ending(), chunks=())


def placed(state: ArrayState = ArrayState.LAUNCHING, **changes: Any) -> Array:
    """Return an array of 4 nothing of which waits or is asked for."""
    return an_array(state=state, chunks=(), **changes)


def written(steps: tuple[Step, ...]) -> Array:
    """Return what the one step writes."""
    (step,) = steps
    assert isinstance(step, Write)
    return step.array


class TestLaunching:
    def test_an_accepted_array_is_looked_up_first(self) -> None:
        array = an_array(state=ArrayState.ACCEPTED, placement=None, chunks=())
        assert next_steps(a_view(array)) == (LookUp(reason="no placement yet"),)

    def test_what_waits_is_placed_and_what_is_open_is_sent_again(self) -> None:
        array = with_intent(an_array(8, chunks=(a_chunk("0-3"), a_chunk("4-7", number=1))))
        (intent,), (chunk,) = array.intents, array.chunks
        assert next_steps(a_view(array)) == (
            Resend(intent=intent, reason="open intent without an answer"),
            Place(chunk=chunk, reason="ranks 4-7 wait"),
        )

    def test_what_is_under_way_is_not_begun_again(self) -> None:
        array = with_intent(an_array(8, chunks=(a_chunk("0-3"), a_chunk("4-7", number=1))))
        sending = frozenset({array.intents[0].token})
        view = a_view(array, placing=frozenset({1}), sending=sending)
        assert next_steps(view) == ()

    def test_a_member_that_boots_keeps_the_array_waiting(self) -> None:
        assert next_steps(a_view(placed(), [*ALL_RUN[:3], a_member(3)])) == ()

    def test_when_every_member_runs_the_array_is_ready(self) -> None:
        array = written(next_steps(a_view(placed(), ALL_RUN, calls=Counter({"RunInstances": 1}))))
        assert (array.state, array.ready_at, array.reason) == (ArrayState.READY, NOON, "")
        (event,) = array.outbox
        assert event.data == ArrayReady(
            size=4, ready=4, seconds=0.0, api_calls={"RunInstances": 1}
        )

    def test_a_member_that_says_hello_runs_too(self) -> None:
        members = [running(rank, state=MemberState.READY) for rank in range(4)]
        assert written(next_steps(a_view(placed(), members))).state is ArrayState.READY

    def test_with_min_count_the_array_is_ready_without_the_rest_and_says_so(self) -> None:
        array = written(next_steps(a_view(placed(min_count=2, refusals=(REFUSAL,)), ALL_RUN[:3])))
        assert (array.state, array.reason) == (ArrayState.READY, "1 of 4 could not be had")
        (event,) = array.outbox
        assert isinstance(event.data, ArrayReady)
        assert (event.data.ready, event.data.refusals) == (3, (REFUSAL,))


class TestBelowMinCount:
    @pytest.mark.parametrize(
        ("array", "members"),
        [
            pytest.param(placed(min_count=2), ALL_RUN[:2], id="just enough live"),
            pytest.param(with_intent(an_array()), [], id="all may still come by an open call"),
            pytest.param(
                with_intent(an_array()),
                [lost(rank) for rank in range(4)],
                id="an open call may replace what was lost",
            ),
            pytest.param(an_array(chunks=(a_chunk("2-3"),)), ALL_RUN[:2], id="the rest waits"),
        ],
    )
    def test_what_can_still_be_had_is_not_given_up(
        self, array: Array, members: list[Member]
    ) -> None:
        steps = next_steps(a_view(array, members))
        assert all(not isinstance(each, Write) or each.array.ending is None for each in steps)

    def test_ranks_that_are_both_recorded_and_asked_for_count_once(self) -> None:
        array = with_intent(an_array(chunks=(a_chunk("0-1"),)))
        ended = written(next_steps(a_view(array, ALL_RUN[:2])))
        assert ended.ending is not None
        assert ended.ending.reason.startswith("2 of the 4 wanted can be had")

    def test_without_capacity_the_launch_fails_and_says_what_each_pool_answered(self) -> None:
        ended = written(next_steps(a_view(placed(refusals=(REFUSAL,)), ALL_RUN[:1])))
        assert ended.state is ArrayState.TERMINATING
        assert ended.ending is not None
        assert (ended.ending.state, ended.ending.code) == (ArrayState.FAILED, "capacity")
        assert ended.ending.reason == (
            "1 of the 4 wanted can be had. on-demand m7i.large us-east-1a: NoCapacity"
            " (1 of 4: none left). Try other --instance-type or --zone, or a smaller --min-count"
        )

    def test_without_refusals_the_lost_members_are_the_reason(self) -> None:
        ended = written(next_steps(a_view(placed(), [*ALL_RUN[:3], lost(3)])))
        assert ended.ending is not None
        assert ended.ending.code == "lost"
        assert "rank 3: gone" in ended.ending.reason


class TestServing:
    @pytest.mark.parametrize(
        "state", [ArrayState.READY, ArrayState.DEGRADED, ArrayState.RECOVERED]
    )
    def test_an_array_whose_members_are_up_rests(self, state: ArrayState) -> None:
        assert next_steps(a_view(placed(state), ALL_RUN)) == ()
        assert is_at_rest(placed(state))

    def test_a_lost_member_degrades_a_ready_array(self) -> None:
        members = [running(0), lost(1), lost(2, reason="other"), running(3)]
        array = written(next_steps(a_view(placed(ArrayState.READY), members)))
        assert (array.state, array.reason) == (ArrayState.DEGRADED, "ranks 1-2 are lost")
        (event,) = array.outbox
        assert event.data == ArrayDegraded(size=4, ready=2, ranks="1-2", reason="gone")

    def test_a_loss_that_is_told_is_not_told_again(self) -> None:
        members = [running(0), lost(1), running(2), running(3)]
        array = written(next_steps(a_view(placed(ArrayState.READY), members)))
        assert next_steps(a_view(array, members)) == ()

    def test_a_further_loss_is_told_too(self) -> None:
        before = [running(0), lost(1), running(2), running(3)]
        array = written(next_steps(a_view(placed(ArrayState.READY), before)))
        after = written(next_steps(a_view(array, [running(0), lost(1), lost(2), running(3)])))
        assert (after.state, after.reason) == (ArrayState.DEGRADED, "ranks 1-2 are lost")

    def test_what_remains_of_a_recovered_array_goes_on(self) -> None:
        array = placed(ArrayState.RECOVERED, placement=None)
        assert next_steps(a_view(array, [running(0), lost(1)])) == ()

    @pytest.mark.parametrize(
        "state", [ArrayState.READY, ArrayState.DEGRADED, ArrayState.RECOVERED]
    )
    def test_an_array_nothing_of_which_lives_ends(self, state: ArrayState) -> None:
        array = written(next_steps(a_view(placed(state), [lost(0), lost(1)])))
        assert array.state is ArrayState.TERMINATING
        assert array.reason == "all its instances were ended from outside"

    def test_a_recovered_array_has_no_placement_and_needs_none(self) -> None:
        array = placed(ArrayState.RECOVERED, placement=None)
        assert next_steps(a_view(array, ALL_RUN)) == ()


class TestTidying:
    def test_events_that_are_surely_told_are_written_away(self) -> None:
        ready = written(next_steps(a_view(placed(), ALL_RUN)))
        later = NOON + TOLD
        assert has_told(ready, later)
        after = written(next_steps(a_view(ready, ALL_RUN, now=later)))
        assert (after.outbox, after.version, after.state) == (
            (),
            ready.version + 1,
            ArrayState.READY,
        )
        assert next_steps(a_view(after, ALL_RUN, now=later)) == ()

    def test_events_that_may_be_missing_stay(self) -> None:
        ready = written(next_steps(a_view(placed(), ALL_RUN)))
        just_before = NOON + TOLD - timedelta(seconds=1)
        assert next_steps(a_view(ready, ALL_RUN, now=just_before)) == ()

    def test_what_else_is_to_be_done_comes_first(self) -> None:
        ready = written(next_steps(a_view(placed(), ALL_RUN)))
        steps = next_steps(a_view(ready, [*ALL_RUN[:3], lost(3)], now=NOON + TOLD))
        assert written(steps).state is ArrayState.DEGRADED

    def test_an_array_that_is_over_keeps_its_last_event(self) -> None:
        over = written(next_steps(a_view(ENDING, [])))
        assert not has_told(over, NOON + TOLD)
        assert next_steps(a_view(over, now=NOON + TOLD)) == ()


class TestLease:
    @pytest.mark.parametrize(
        "array",
        [
            pytest.param(
                an_array(state=ArrayState.ACCEPTED, placement=None, chunks=()), id="accepted"
            ),
            pytest.param(an_array(), id="launching, all waits"),
            pytest.param(with_intent(an_array()), id="launching, all is asked for"),
            pytest.param(placed(ArrayState.READY), id="ready"),
            pytest.param(placed(ArrayState.DEGRADED), id="degraded"),
            pytest.param(placed(ArrayState.RECOVERED, placement=None), id="recovered"),
        ],
    )
    def test_the_end_of_the_lease_ends_an_array_in_any_state(self, array: Array) -> None:
        ended = written(next_steps(a_view(array, now=LEASE_OVER)))
        assert (ended.state, ended.chunks) == (ArrayState.TERMINATING, ())
        assert ended.intents == array.intents
        assert ended.ending is not None
        assert (ended.ending.state, ended.reason) == (ArrayState.TERMINATED, "its lease is over")

    def test_an_ending_keeps_its_first_reason(self) -> None:
        steps = next_steps(a_view(ENDING, ALL_RUN, now=LEASE_OVER))
        assert all(isinstance(each, End) for each in steps)


class TestEnding:
    def test_open_calls_are_traced_and_living_instances_ended(self) -> None:
        array = end(with_intent(an_array()), "asked for", now=NOON)
        steps = next_steps(a_view(array, [running(0), lost(1), a_member(2)]))
        assert steps == (
            Trace(intent=array.intents[0], reason="the array is ending"),
            End(instance_ids=(an_instance(0).id, an_instance(2).id), reason="asked for"),
        )

    def test_what_is_under_way_is_not_begun_again(self) -> None:
        array = end(with_intent(an_array()), "asked for", now=NOON)
        view = a_view(
            array,
            [running(0)],
            sending=frozenset({array.intents[0].token}),
            ending=frozenset({an_instance(0).id}),
        )
        assert next_steps(view) == ()

    def test_an_instance_that_is_going_is_not_ended_again_but_waited_for(self) -> None:
        going = running(0, instance=an_instance(0, state=InstanceState.SHUTTING_DOWN))
        assert next_steps(a_view(ENDING, [going])) == ()

    def test_a_call_whose_answer_is_unknown_keeps_the_array_from_its_end(self) -> None:
        array = end(with_intent(an_array()), "asked for", now=NOON)
        steps = next_steps(a_view(array))
        assert [type(each) for each in steps] == [Trace]

    def test_when_nothing_is_left_the_array_is_terminated(self) -> None:
        array = written(next_steps(a_view(ENDING, [lost(0)])))
        assert array.state is ArrayState.TERMINATED
        (event,) = array.outbox
        assert event.data == ArrayTerminated(reason="asked for")

    def test_a_failed_launch_counts_as_failed_when_nothing_is_left(self) -> None:
        failing = give_up(placed(refusals=(REFUSAL,)), "quota", "the limit is 32", now=NOON)
        array = written(next_steps(a_view(failing, calls=Counter({"RunInstances": 2}))))
        assert array.state is ArrayState.FAILED
        (event,) = array.outbox
        assert event.data == ArrayFailed(
            code="quota",
            reason="the limit is 32",
            refusals=(REFUSAL,),
            api_calls={"RunInstances": 2},
        )

    @pytest.mark.parametrize("state", over_is_over())
    def test_an_array_that_is_over_needs_nothing(self, state: ArrayState) -> None:
        array = an_array(state=state)
        assert next_steps(a_view(array, ALL_RUN, now=LEASE_OVER)) == ()
        assert is_at_rest(array)


def test_capacity_is_asked_for_once_the_places_are_known() -> None:
    array = an_array(state=ArrayState.ACCEPTED, placement=None, chunks=())
    chunks = split_chunks(range(4), size=2)
    after = launching(array, PLACEMENT, chunks, now=NOON)
    assert (after.state, after.chunks, after.placement) == (
        ArrayState.LAUNCHING,
        chunks,
        PLACEMENT,
    )
    (event,) = after.outbox
    assert event.data == ArrayLaunching(
        pools=PLACEMENT.pools, chunks=2, reason="4 instances in 2 calls"
    )
    assert not is_at_rest(after)


def test_what_the_region_rules_out_is_rejected_with_the_field() -> None:
    array = an_array(state=ArrayState.ACCEPTED, placement=None, chunks=())
    after = reject(array, Rejected("no such type", field="instance_types"), a_view(array))
    assert (after.state, after.reason) == (ArrayState.REJECTED, "no such type")
    (event,) = after.outbox
    assert event.data == ArrayRejected(
        request_id="request-1",
        name="training",
        code="Rejected",
        message="no such type",
        field="instance_types",
    )
