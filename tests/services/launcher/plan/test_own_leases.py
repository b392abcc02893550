"""Leases of single members, decided from values."""

from datetime import datetime, timedelta

import msgspec
import pytest

from services.launcher.model import OVERDUE, End, Tag, WriteMembers
from services.launcher.plan.drive import is_settled, next_steps
from services.launcher.plan.observation import is_in_transition
from services.launcher.plan.own_leases import end_members, is_neglected, tagged
from spawn.contracts.arrays import ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member
from tests.builders import NOON, an_array, an_instance, lost, running
from tests.services.launcher.plan.views import a_view

HOUR = timedelta(hours=1)
SHORT, LONG = Lease(NOON + HOUR), Lease(NOON + 2 * HOUR)
ARRAY = an_array(size=3, state=ArrayState.READY, chunks=(), lease=SHORT)
READY = tuple(running(rank) for rank in range(3))
OVER = "its lease is over"
LATE = NOON + HOUR + OVERDUE


def with_own(*members: Member, **changes: object) -> tuple[Member, ...]:
    """Return three members, some of them in place of those that are ready."""
    replaced = {each.rank: each for each in members}
    return tuple(replaced.get(each.rank, each) for each in READY)


def ended_ranks(step: object) -> list[int]:
    assert isinstance(step, WriteMembers)
    assert all(each.member.ending == OVER for each in step.changes)
    return [each.member.rank for each in step.changes]


def test_a_lease_that_has_changed_is_taken_over_and_its_tag_is_due() -> None:
    (step,) = next_steps(a_view(ARRAY, READY, own_leases={1: LONG}))
    assert isinstance(step, WriteMembers)
    (change,) = step.changes
    assert (change.member.lease, change.member.retag) == (LONG, True)
    assert change.member.version == READY[1].version + 1
    assert change.member.changed_at == READY[1].changed_at


@pytest.mark.parametrize("gone", [lost(1), None], ids=["one that is lost", "one still to come"])
def test_there_is_nothing_to_take_over_for(gone: Member | None) -> None:
    members = (READY[0], *([gone] if gone else []), READY[2])
    steps = next_steps(a_view(ARRAY, members, own_leases={1: LONG}))
    assert not any(isinstance(step, WriteMembers) for step in steps)


def test_tags_are_written_lease_by_lease_and_not_twice_in_a_row() -> None:
    waiting = with_own(
        running(0, lease=LONG, retag=True),
        running(1, lease=SHORT, retag=True),
        running(2, lease=LONG, retag=True),
    )
    view = a_view(ARRAY, waiting)
    (step,) = next_steps(view)
    assert isinstance(step, Tag)
    assert (step.ranks, step.lease) == ((0, 2), LONG)
    assert next_steps(msgspec.structs.replace(view, may_tag=False)) == ()
    assert not is_settled(view)
    assert is_settled(a_view(ARRAY, READY))


def test_a_tag_counts_as_written_only_for_the_lease_that_it_tells_of() -> None:
    member = running(0, lease=LONG, retag=True)
    change = tagged(member, LONG)
    assert change is not None
    assert not change.member.retag
    assert tagged(member, SHORT) is None
    assert tagged(change.member, LONG) is None


def test_a_changed_lease_of_the_array_is_not_for_members_that_have_their_own() -> None:
    members = with_own(running(1, lease=LONG))
    (step,) = next_steps(a_view(msgspec.structs.replace(ARRAY, retag=True), members))
    assert isinstance(step, Tag)
    assert step.ranks == ()
    assert step.instance_ids == (READY[0].instance.id, READY[2].instance.id)


@pytest.mark.parametrize(
    ("now", "own", "ranks"),
    [
        (LATE, {1: LONG}, [0, 2]),
        (LATE, {1: Lease(NOON)}, None),
        (NOON + OVERDUE, {1: Lease(NOON)}, [1]),
        (NOON + 2 * HOUR + OVERDUE, {1: LONG}, None),
        (LATE - timedelta(seconds=1), {1: LONG}, []),
    ],
    ids=[
        "the array's over: all but one",
        "all over: the array",
        "one's own over: it alone",
        "the last is over: the array",
        "nobody's is long over",
    ],
)
def test_the_last_net_ends_what_is_long_over(
    now: datetime, own: dict[int, Lease], ranks: list[int] | None
) -> None:
    members = with_own(*(running(rank, lease=lease) for rank, lease in own.items()))
    steps = next_steps(a_view(ARRAY, members, now=now, own_leases=own))
    assert is_neglected(ARRAY, members, own, now) == (ranks != [])
    if ranks == []:
        assert steps == ()
    elif ranks is None:
        assert not isinstance(steps[0], WriteMembers)
    else:
        assert ended_ranks(steps[0]) == ranks


def test_a_member_that_is_to_end_is_ended_once_and_again_if_need_be() -> None:
    ending = running(1, ending=OVER)
    view = a_view(ARRAY, with_own(ending))
    (step,) = next_steps(view)
    assert isinstance(step, End)
    assert (step.instance_ids, step.reason) == ((ending.instance.id,), OVER)
    asked = msgspec.structs.replace(view, ending=frozenset({ending.instance.id}))
    assert next_steps(asked) == ()
    assert not is_settled(asked)
    assert is_in_transition(ending, ARRAY, now=NOON)


def test_only_members_that_go_on_are_to_end() -> None:
    going = running(2, instance=an_instance(2, state=InstanceState.SHUTTING_DOWN), ending=OVER)
    members = (READY[0], lost(1), going)
    assert [each.member.rank for each in end_members(members, OVER)] == [0]
    assert not any(isinstance(step, End) for step in next_steps(a_view(ARRAY, members)))
