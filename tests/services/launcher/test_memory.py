from datetime import timedelta

from services.launcher.memory import Fleet, Memory
from services.launcher.model import Places
from spawn.bus.ports import CaughtUp, Deleted, Entry, Restarted
from spawn.contracts.arrays import ArrayState
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Member, MemberState, member_key
from tests.builders import ARRAY_ID, NOON, a_member, an_array


def entry(member: Member, revision: int) -> Entry[Member]:
    return Entry(member_key(member.array_id, member.rank), member, revision)


def test_members_are_those_of_one_array_in_their_newest_state() -> None:
    fleet = Fleet()
    running = a_member(1, state=MemberState.RUNNING)
    fleet.note_member(entry(a_member(0), 1))
    fleet.note_member(entry(running, 3))
    fleet.note_member(entry(a_member(1), 2))
    fleet.note_member(entry(a_member(0, array_id=ArrayId("other-aaaaaaaaaaaa")), 4))
    assert fleet.members(ARRAY_ID) == {0: a_member(0), 1: running}


def test_what_is_deleted_is_no_member_and_an_older_record_does_not_bring_it_back() -> None:
    fleet = Fleet()
    fleet.note_member(entry(a_member(0), 1))
    fleet.note_member(Deleted(member_key(ARRAY_ID, 0), 5))
    fleet.note_member(entry(a_member(0), 2))
    assert fleet.members(ARRAY_ID) == {}


def test_a_deletion_that_is_older_than_the_record_takes_nothing_away() -> None:
    fleet = Fleet()
    fleet.note_member(entry(a_member(0), 5))
    fleet.note_member(Deleted(member_key(ARRAY_ID, 0), 2))
    assert fleet.members(ARRAY_ID) == {0: a_member(0)}


def test_nothing_is_known_of_a_bucket_that_was_made_anew() -> None:
    fleet = Fleet()
    fleet.note_member(entry(a_member(0), 5))
    fleet.note_member(CaughtUp())
    fleet.note_member(Restarted())
    assert fleet.members(ARRAY_ID) == {}
    fleet.note_member(entry(a_member(0), 1))
    assert fleet.members(ARRAY_ID) == {0: a_member(0)}


def test_a_members_own_news_stir_its_array_once() -> None:
    fleet = Fleet()
    fleet.note_member(entry(a_member(0), 1))
    assert fleet.changed == {ARRAY_ID}
    fleet.changed.clear()
    fleet.note_member(entry(a_member(0), 1))
    assert fleet.changed == set()


def test_arrays_that_live_in_a_region() -> None:
    fleet = Fleet()
    fleet.note_array(Entry(ARRAY_ID, an_array(), 1))
    over = an_array(id=ArrayId("over-aaaaaaaaaaaa"), state=ArrayState.TERMINATED)
    fleet.note_array(Entry(over.id, over, 2))
    assert set(fleet.living("us-east-1")) == {ARRAY_ID}
    assert fleet.living("eu-west-1") == {}


def test_places_that_are_too_old_are_forgotten() -> None:
    memory = Memory()
    places = Places(
        types=(),
        image_id="",
        architecture="",
        architectures={},
        offerings={},
        subnets=(),
        security_group_ids=(),
    )
    memory.places = {b"old": (NOON, places), b"new": (NOON + timedelta(seconds=1), places)}
    memory.forget_places(NOON)
    assert set(memory.places) == {b"new"}


def test_an_array_has_another_edition_after_each_change_that_is_seen() -> None:
    fleet, key = Fleet(), member_key(ARRAY_ID, 0)
    named = Hostnames(array_id=ARRAY_ID, stem="training", base="a.b", size=1, changed_at=NOON)
    seen = [fleet.edition(ARRAY_ID)]
    fleet.note_array(Entry(ARRAY_ID, an_array(), 1))
    seen.append(fleet.edition(ARRAY_ID))
    fleet.note_member(entry(a_member(0), 2))
    seen.append(fleet.edition(ARRAY_ID))
    fleet.note_hostnames(Entry(ARRAY_ID, named, 3))
    seen.append(fleet.edition(ARRAY_ID))
    fleet.note_hostnames(Deleted(ARRAY_ID, 4))
    seen.append(fleet.edition(ARRAY_ID))
    fleet.note_member(Deleted(key, 5))
    seen.append(fleet.edition(ARRAY_ID))
    fleet.note_member(Restarted())
    seen.append(fleet.edition(ARRAY_ID))
    assert len(set(seen)) == len(seen)


def test_what_is_known_already_makes_no_other_edition() -> None:
    fleet = Fleet()
    fleet.note_member(entry(a_member(0), 2))
    before = fleet.edition(ARRAY_ID)
    fleet.note_member(entry(a_member(0), 1))
    assert fleet.edition(ARRAY_ID) == before
