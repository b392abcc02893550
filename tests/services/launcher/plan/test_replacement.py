"""Which members get successors, and when these are asked for."""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any

import msgspec
import pytest

from services.launcher.model import Gather, Write
from services.launcher.plan.drive import is_at_rest, next_steps
from services.launcher.plan.ladder import choose_pool, open_intent
from services.launcher.plan.replacement import (
    GATHER,
    GATHER_MORE,
    due_members,
    replace_lost,
    succeed,
)
from services.launcher.plan.successions import ASK_AGAIN
from spawn.contracts.arrays import FIRST_SUCCESSION, ArrayState, Succession
from spawn.contracts.checkpoints import OnRebalance
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import Digest
from spawn.contracts.members import MemberState
from spawn.contracts.notices import NoticeAction, NoticeKind
from spawn.contracts.ranks import parse_ranks
from tests.builders import (
    NOON,
    PLACEMENT,
    a_chunk,
    an_instance,
    running,
)
from tests.services.launcher.plan.losing import (
    SPEC,
    SPOT_A,
    SPOT_B,
    a_case,
    a_notice,
    asked,
    gone,
    serving,
    spot,
)


class TestWhoIsReplaced:
    def test_who_is_noticed_while_it_still_runs(self) -> None:
        assert asked(a_case(serving(), *map(spot, range(4)), noticed=(a_notice(2),))) == [("2", 1)]

    def test_spot_that_is_gone_without_notice(self) -> None:
        assert asked(a_case(serving(), spot(0), gone(1))) == [("1", 1)]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            pytest.param({"replace": None}, [], id="no checkpoint, nothing said"),
            pytest.param({"replace": False}, [], id="--no-replace"),
            pytest.param({"replace": None, "maintain": True}, [("1", 1)], id="--maintain"),
        ],
    )
    def test_what_the_launch_says(
        self, changes: dict[str, Any], expected: list[tuple[str, int]]
    ) -> None:
        spec = msgspec.structs.replace(SPEC, **changes)
        assert asked(a_case(serving(spec=spec), spot(0), gone(1))) == expected

    def test_with_a_checkpoint_script_spot_is_replaced_unless_said_otherwise(self) -> None:
        spec = msgspec.structs.replace(SPEC, replace=None)
        array = serving(spec=spec, checkpoint_script=Digest(4, "0" * 64))
        assert asked(a_case(array, spot(0), gone(1))) == [("1", 1)]

    @pytest.mark.parametrize(
        ("maintain", "expected"), [(False, []), (True, [("0", 1)])], ids=["not", "with --maintain"]
    )
    def test_a_machine_on_demand_that_is_lost(
        self, *, maintain: bool, expected: list[tuple[str, int]]
    ) -> None:
        spec = msgspec.structs.replace(SPEC, spot=False, replace=None, maintain=maintain)
        pools = PLACEMENT
        instance = an_instance(0, state=InstanceState.TERMINATED)
        member = running(0, state=MemberState.LOST, instance=instance)
        assert asked(a_case(serving(spec=spec, placement=pools), member)) == expected

    @pytest.mark.parametrize(
        ("on_rebalance", "expected"),
        [(OnRebalance.REPLACE, [("2", 1)]), (OnRebalance.CHECKPOINT, [])],
    )
    def test_what_may_be_interrupted_is_replaced_where_that_is_wanted(
        self, on_rebalance: OnRebalance, expected: list[tuple[str, int]]
    ) -> None:
        notice = a_notice(2, kind=NoticeKind.REBALANCE, action=NoticeAction.NONE, dies_at=None)
        spec = msgspec.structs.replace(SPEC, on_rebalance=on_rebalance)
        assert asked(a_case(serving(spec=spec), spot(2), noticed=(notice,))) == expected

    def test_whose_job_is_done_needs_no_successor(self) -> None:
        done = spot(2, state=MemberState.EXITED, exit_code=0)
        assert asked(a_case(serving(), done, noticed=(a_notice(2),))) == []

    def test_who_is_ended_at_its_own_lease_needs_none(self) -> None:
        assert asked(a_case(serving(), gone(1, ending="its lease is over"))) == []

    @pytest.mark.parametrize("state", [ArrayState.FINISHED, ArrayState.TERMINATING])
    def test_nobody_in_an_array_that_ends(self, state: ArrayState) -> None:
        assert asked(a_case(serving(state=state), gone(1))) == []

    def test_an_event_of_another_machine_of_the_rank_concerns_nobody(self) -> None:
        notice = a_notice(2, instance_id=an_instance(77).id)
        assert asked(a_case(serving(), spot(2), noticed=(notice,))) == []


class TestAsking:
    def test_losses_are_gathered_for_a_moment(self) -> None:
        view = a_case(serving(), gone(1), gone(3), gathering_since=None)
        (step,) = replace_lost(view)
        assert isinstance(step, Gather)
        assert step.until == NOON + GATHER
        later = msgspec.structs.replace(view, now=NOON + GATHER, gathering_since=NOON)
        assert asked(later) == [("1,3", 1)]

    def test_in_a_storm_they_are_gathered_for_longer(self) -> None:
        before = Succession(ranks="0", generation=0, at=NOON - timedelta(seconds=2))
        view = a_case(serving(successions=(before,)), gone(1), gathering_since=None)
        (step,) = replace_lost(view)
        assert isinstance(step, Gather)
        assert step.until == NOON + GATHER_MORE

    def test_each_call_is_of_one_generation(self) -> None:
        view = a_case(serving(), gone(0), gone(1, generation=1), gone(2))
        assert asked(view) == [("0,2", 1), ("1", 2)]

    def test_who_is_asked_for_is_not_asked_for_again(self) -> None:
        view = a_case(serving(), gone(1))
        array = succeed(view, [gone(1)])
        assert array.chunks[0].number == FIRST_SUCCESSION
        assert asked(a_case(array, gone(1))) == []
        opened = open_intent(array, array.chunks[0], SPOT_B, now=NOON)
        assert asked(a_case(opened, gone(1))) == []

    def test_who_could_not_be_had_is_asked_for_again_later_with_another_token(self) -> None:
        array = succeed(a_case(serving(), gone(1)), [gone(1)])
        vain = msgspec.structs.replace(array, chunks=())
        assert asked(a_case(vain, gone(1))) == []
        again = a_case(vain, gone(1), now=NOON + ASK_AGAIN)
        (step,) = replace_lost(again)
        assert isinstance(step, Write)
        assert step.array.chunks[0].number == FIRST_SUCCESSION + 1

    def test_three_in_an_hour_are_all(self) -> None:
        hour = [
            Succession(ranks="0-3", generation=number, at=NOON - timedelta(minutes=20 * number))
            for number in (0, 1, 2)
        ]
        assert asked(a_case(serving(successions=tuple(hour)), gone(1, generation=3))) == []
        older = [msgspec.structs.replace(hour[0], at=NOON - timedelta(hours=1)), *hour[1:]]
        view = a_case(serving(successions=tuple(older)), gone(1, generation=3))
        assert asked(view) == [("1", 4)]

    def test_another_pool_is_asked_first_and_the_lost_one_last(self) -> None:
        array = succeed(a_case(serving(), gone(1)), [gone(1)])
        (chunk,) = array.chunks
        assert choose_pool(array, chunk, {}, now=NOON) == SPOT_B
        refused = msgspec.structs.replace(chunk, refused=(SPOT_B,))
        assert choose_pool(array, refused, {}, now=NOON) == SPOT_A
        nowhere = msgspec.structs.replace(chunk, refused=(SPOT_B, SPOT_A))
        assert choose_pool(array, nowhere, {}, now=NOON) is None

    @pytest.mark.parametrize(
        ("exited", "left"),
        [
            pytest.param((), ["1-3"], id="none has: all are asked for"),
            pytest.param((2,), ["1,3"], id="one has: the others are asked for"),
            pytest.param((1, 2, 3), [], id="all have: nobody is asked for"),
        ],
    )
    def test_whose_job_ends_by_itself_while_its_successor_waits_is_not_asked_for(
        self, exited: tuple[int, ...], left: list[str]
    ) -> None:
        noticed = tuple(a_notice(rank) for rank in (1, 2, 3))
        still = a_case(serving(), *map(spot, range(4)), noticed=noticed)
        array = succeed(still, [spot(rank) for rank in (1, 2, 3)])
        done = [spot(rank, state=MemberState.EXITED, exit_code=0) for rank in exited]
        members = {**still.members, **{each.rank: each for each in done}}
        steps = list(replace_lost(msgspec.structs.replace(still, array=array, members=members)))
        assert [type(step) for step in steps] == ([Write] if exited else [])
        after = [step.array for step in steps if isinstance(step, Write)] or [array]
        assert [(each.ranks, each.number, each.generation) for each in after[0].chunks] == [
            (ranks, FIRST_SUCCESSION, 1) for ranks in left
        ]
        again = msgspec.structs.replace(still, array=after[0], members=members)
        assert list(replace_lost(again)) == []

    def test_who_waits_for_a_first_machine_is_asked_for_whoever_has_exited(self) -> None:
        array = serving(chunks=(a_chunk("0-3"),), state=ArrayState.LAUNCHING)
        done = spot(0, state=MemberState.EXITED, exit_code=0)
        assert list(replace_lost(a_case(array, done))) == []

    def test_an_array_that_asks_is_not_at_rest(self) -> None:
        assert is_at_rest(serving())
        assert not is_at_rest(succeed(a_case(serving(), gone(1)), [gone(1)]))

    def test_a_job_that_waits_for_a_successor_is_not_judged(self) -> None:
        array = serving(command=Digest(4, "0" * 64), min_count=1)
        done = [spot(rank, state=MemberState.EXITED, exit_code=0) for rank in (0, 2, 3)]
        steps = next_steps(a_case(array, *done, gone(1), gathering_since=None))
        assert not [step for step in steps if isinstance(step, Write)]

    def test_an_array_that_asks_again_is_not_ready_before_it_has_what_it_lacks(self) -> None:
        array = succeed(a_case(serving(), gone(1)), [gone(1)])
        vain = {"chunks": (), "state": ArrayState.DEGRADED, "reason": "ranks 1 are lost"}
        members = (spot(0), gone(1), spot(2), spot(3))
        degraded = msgspec.structs.replace(array, **vain)
        view = a_case(degraded, *members, now=NOON + ASK_AGAIN, gathering_since=None)
        assert not [step for step in next_steps(view) if isinstance(step, Write)]

    def test_what_a_storm_has_asked_for_is_read_once_for_all_its_ranks(self) -> None:
        asked = tuple(Succession(ranks=str(rank), generation=0, at=NOON) for rank in range(50))
        view = a_case(serving(successions=asked), *map(gone, range(50)))
        readings = count_calls(parse_ranks, lambda: due_members(view))
        assert readings == 50


def count_calls(function: Callable[..., object], run: Callable[[], object]) -> int:
    """Return how often a function is called meanwhile."""
    code, calls = function.__code__, Counter[object]()

    def note(frame: FrameType, event: str, _: object) -> None:
        calls[frame.f_code] += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls[code]
