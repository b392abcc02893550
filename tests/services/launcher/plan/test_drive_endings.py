from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.launcher.model import End, Step, Trace, Write
from services.launcher.plan.drive import (
    TOLD,
    has_told,
    is_at_rest,
    next_steps,
)
from services.launcher.plan.settlement import end, give_up
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    ArrayFailed,
    ArrayTerminated,
)
from spawn.contracts.instances import InstanceState
from spawn.contracts.pools import Refusal
from tests.builders import (
    NOON,
    POOL_A,
    a_member,
    an_array,
    an_ending,
    an_instance,
    lost,
    running,
)
from tests.services.launcher.plan.views import LEASE_LONG_OVER, a_view, over_is_over, with_intent

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
        ended = written(next_steps(a_view(array, now=LEASE_LONG_OVER)))
        assert (ended.state, ended.chunks) == (ArrayState.TERMINATING, ())
        assert ended.intents == array.intents
        assert ended.ending is not None
        assert (ended.ending.state, ended.reason) == (ArrayState.TERMINATED, "its lease is over")

    def test_an_ending_keeps_its_first_reason(self) -> None:
        steps = next_steps(a_view(ENDING, ALL_RUN, now=LEASE_LONG_OVER))
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
        assert next_steps(a_view(array, ALL_RUN, now=LEASE_LONG_OVER)) == ()
        assert is_at_rest(array)
