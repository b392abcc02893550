from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.launcher.model import LookUp, Place, Resend, Step, Write
from services.launcher.plan.beginning import launching, reject
from services.launcher.plan.drive import MOST_UNDER_WAY, is_at_rest, next_steps
from services.launcher.plan.ladder import split_chunks
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    ArrayDegraded,
    ArrayLaunching,
    ArrayReady,
    ArrayRejected,
)
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
    lost,
    running,
)
from tests.services.launcher.plan.views import a_view, with_intent

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

    def test_an_intent_that_is_seen_before_its_writer_goes_on_is_left_to_it(self) -> None:
        array = with_intent(an_array(4))
        view = a_view(array, placing=frozenset({array.intents[0].chunk.number}))
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
        assert "ranks 3 are lost: gone" in ended.ending.reason

    def test_what_was_had_and_lost_is_told_beside_what_was_refused(self) -> None:
        members = [running(0), lost(1), lost(2), lost(3, reason="other")]
        ended = written(next_steps(a_view(placed(refusals=(REFUSAL,)), members)))
        assert ended.ending is not None
        assert ended.ending.code == "lost"
        assert "(1 of 4: none left); ranks 1-2 are lost: gone" in ended.ending.reason
        assert "ranks 3 are lost: other" in ended.ending.reason


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


def test_capacity_is_asked_for_once_the_places_are_known() -> None:
    array = an_array(state=ArrayState.ACCEPTED, placement=None, chunks=())
    chunks = split_chunks(range(4), size=2)
    after = launching(array, PLACEMENT, chunks, expected=timedelta(seconds=9), now=NOON)
    assert (after.state, after.chunks, after.placement) == (
        ArrayState.LAUNCHING,
        chunks,
        PLACEMENT,
    )
    (event,) = after.outbox
    assert event.data == ArrayLaunching(
        pools=PLACEMENT.pools, chunks=2, reason="4 instances in 2 calls", expected_seconds=9.0
    )
    assert not is_at_rest(after)


def test_a_launch_that_ec2s_rate_holds_up_says_for_how_long() -> None:
    array = an_array(state=ArrayState.ACCEPTED, placement=None, chunks=())
    chunks = split_chunks(range(4), size=2)
    after = launching(array, PLACEMENT, chunks, expected=timedelta(seconds=2000), now=NOON)
    (event,) = after.outbox
    assert isinstance(event.data, ArrayLaunching)
    assert event.data.reason == "4 instances in 2 calls, 33m20s at EC2's rate"
    assert event.data.expected_seconds == 2000.0


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


def test_so_many_calls_of_an_array_are_under_way_at_once() -> None:
    chunks = tuple(a_chunk(f"{rank}", number=rank) for rank in range(MOST_UNDER_WAY + 5))
    array = an_array(size=len(chunks), chunks=chunks)
    begun = [step.chunk.number for step in next_steps(a_view(array)) if isinstance(step, Place)]
    assert begun == list(range(MOST_UNDER_WAY))
    view = a_view(array, placing=frozenset(range(MOST_UNDER_WAY - 1)))
    more = [step.chunk.number for step in next_steps(view) if isinstance(step, Place)]
    assert more == [MOST_UNDER_WAY - 1]
