"""Whom the broker knows by the members' records, in whatever order they come."""

import msgspec

from services.iam_broker.memory import Roster
from spawn.bus.ports import Deleted, Entry
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Former, Member, member_key
from tests.builders import ARRAY_ID, NOON, a_member, an_instance

KEY = member_key(ARRAY_ID, 0)
FIRST = a_member(0)
SECOND = msgspec.structs.replace(FIRST, generation=1, instance=an_instance(7))


def knowing(*records: tuple[Member, int]) -> Roster:
    roster = Roster()
    for member, revision in records:
        roster.note(Entry(KEY, member, revision))
    return roster


def test_a_replaced_instance_is_over_and_its_successor_is_not() -> None:
    roster = knowing((FIRST, 1), (SECOND, 2))
    assert (roster.find(FIRST.instance.id), roster.find(SECOND.instance.id)) == (None, SECOND)
    assert roster.is_over(FIRST.instance.id)
    assert not roster.is_over(SECOND.instance.id)


def test_a_machine_with_a_successor_is_known_until_it_has_ended() -> None:
    running = an_instance(0, state=InstanceState.SHUTTING_DOWN)
    former = Former(instance=running, generation=0, since=NOON)
    gone = msgspec.structs.replace(former, instance=an_instance(0, state=InstanceState.TERMINATED))
    succeeding = msgspec.structs.replace(SECOND, formers=(former,))
    roster = knowing((FIRST, 1), (succeeding, 2))
    assert roster.find(FIRST.instance.id) == succeeding
    assert not roster.is_over(FIRST.instance.id)
    roster.note(Entry(KEY, msgspec.structs.replace(SECOND, formers=(gone,)), 3))
    assert roster.find(FIRST.instance.id) is None
    assert roster.is_over(FIRST.instance.id)


def test_a_record_that_comes_late_changes_nothing() -> None:
    roster = knowing((SECOND, 2), (FIRST, 1))
    assert (roster.find(FIRST.instance.id), roster.find(SECOND.instance.id)) == (None, SECOND)
    assert not roster.is_over(SECOND.instance.id)


def test_a_deletion_that_comes_late_takes_nobody_away() -> None:
    roster = knowing((SECOND, 5))
    roster.note(Deleted(KEY, 2))
    assert roster.find(SECOND.instance.id) == SECOND


def test_nothing_is_known_of_who_filled_a_rank_that_is_deleted() -> None:
    roster = knowing((FIRST, 1), (SECOND, 2))
    roster.note(Deleted(KEY, 3))
    assert roster.find(SECOND.instance.id) is None
    assert not roster.is_over(FIRST.instance.id)
