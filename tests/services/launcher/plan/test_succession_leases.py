"""Successors and leases: a rank keeps its own, and has no successor once that is over."""

from datetime import timedelta

import msgspec
import pytest

from services.launcher.model import OVERDUE, End, Write
from services.launcher.plan.drive import next_steps
from services.launcher.plan.filling import members_of
from services.launcher.plan.ladder import lease_for, open_intent
from services.launcher.plan.own_leases import end_due
from services.launcher.plan.replacement import awaited_ranks, due_members, replace_lost, succeed
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import LEASE_TAG, Lease, format_instant
from spawn.contracts.members import Member
from tests.builders import NOON, a_chunk, an_instance, described
from tests.services.launcher.plan.losing import (
    SPOT_B,
    a_case,
    a_former,
    a_notice,
    asked,
    gone,
    serving,
    spot,
)

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
OVER, LONG = Lease(NOON - SECOND), Lease(NOON + 12 * HOUR)
LATE = Lease(NOON - OVERDUE)


@pytest.mark.parametrize("lost", [gone(1), spot(1)], ids=["gone", "about to go"])
def test_a_rank_whose_own_lease_is_over_has_no_successor(lost: Member) -> None:
    view = a_case(serving(), spot(0), lost, noticed=(a_notice(1),), own_leases={1: OVER})
    assert due_members(view) == []
    # It may have been given more time at the last moment: its job counts as open for a while.
    assert awaited_ranks(view) == {1}
    assert awaited_ranks(msgspec.structs.replace(view, own_leases={1: LATE})) == frozenset()


def test_nor_has_one_once_its_array_s_is_over_but_for_those_with_longer_ones() -> None:
    array = serving(lease=OVER)
    view = a_case(array, spot(0), gone(1), gone(2), own_leases={0: LONG, 2: LONG})
    assert asked(view) == [("2", 1)]


def test_successors_with_different_leases_are_asked_for_one_by_one() -> None:
    view = a_case(serving(), gone(0), gone(1), gone(2), own_leases={1: LONG})
    assert asked(view) == [("0,2", 1), ("1", 1)]


def test_a_successor_begins_with_the_lease_of_its_rank() -> None:
    array = serving(lease=OVER)
    holder = spot(1, lease=LONG)
    asking = succeed(a_case(array, holder, own_leases={1: LONG}), [holder])
    (chunk,) = asking.chunks
    lease = lease_for(chunk, asking, {1: LONG}, now=NOON)
    opened = open_intent(asking, chunk, SPOT_B, lease=lease, now=NOON)
    (intent,) = opened.intents
    assert intent.request.tags[LEASE_TAG] == format_instant(LONG.until)
    assert opened.lease == OVER
    made = [described(intent, 0, id=an_instance(8).id)]
    (member,) = members_of(opened, intent, made, {1: holder}, now=NOON)
    assert (member.lease, member.retag) == (LONG, True)


@pytest.mark.parametrize(
    ("array_lease", "expected"),
    [(Lease(NOON + HOUR), Lease(NOON + HOUR)), (OVER, LONG)],
    ids=["the array's", "the longest, once that is over"],
)
def test_machines_of_one_call_with_different_leases_begin_with(
    array_lease: Lease, expected: Lease
) -> None:
    array = serving(lease=array_lease)
    assert lease_for(a_chunk("0-1"), array, {1: LONG}, now=NOON) == expected


def test_a_successor_of_a_member_that_is_to_end_ends_too() -> None:
    holder = spot(1, ending="its lease is over")
    array = succeed(a_case(serving(), holder), [holder])
    intent = open_intent(array, array.chunks[0], SPOT_B, now=NOON).intents[0]
    made = [described(intent, 0, id=an_instance(8).id)]
    (member,) = members_of(array, intent, made, {1: holder}, now=NOON)
    ends = end_due(a_case(array, member))
    assert [end.instance_ids for end in ends] == [(an_instance(8).id, an_instance(1).id)]


def test_one_that_waits_to_be_asked_for_is_not_asked_for_any_more() -> None:
    array = succeed(a_case(serving(), gone(0), gone(1)), [gone(0), gone(1)])
    (step,) = replace_lost(a_case(array, gone(0), spot(1, ending="its lease is over")))
    assert isinstance(step, Write)
    assert [chunk.ranks for chunk in step.array.chunks] == ["0"]


def test_earlier_instances_end_with_their_rank_though_the_present_one_is_gone() -> None:
    member = gone(1, ending="its lease is over", formers=(a_former(),))
    view = a_case(serving(), spot(0), member)
    ends = [step for step in next_steps(view) if isinstance(step, End)]
    assert a_former().instance.state is InstanceState.RUNNING
    assert ends[0].instance_ids == (a_former().instance.id,)
