"""Copies of records, and the connections of machines that have ended."""

import msgspec
import pytest

from services.iam_broker.handlers.following import sweep_connections
from services.iam_broker.memory import Roster
from spawn.bus.ports import CaughtUp, Deleted, Entry, Restarted
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, member_key
from tests.builders import ARRAY_ID, a_member, an_instance
from tests.services.iam_broker.fakes import Broker, FakeClients

MEMBER = a_member(3)
KEY = member_key(ARRAY_ID, 3)
ENDED = msgspec.structs.replace(MEMBER, instance=an_instance(3, state=InstanceState.TERMINATED))
SUCCESSOR = msgspec.structs.replace(MEMBER, instance=an_instance(9), generation=1)


def roster(*states: Member) -> Roster:
    made = Roster()
    for revision, state in enumerate(states, start=1):
        made.note(Entry(KEY, state, revision))
    made.note(CaughtUp())
    return made


async def test_members_are_found_by_instance_and_by_rank() -> None:
    known = roster(MEMBER)
    await known.known()
    assert known.find(MEMBER.instance.id) == MEMBER
    assert known.holder(ARRAY_ID, 3) == MEMBER
    assert known.find(an_instance(4).id) is None
    assert known.holder(ARRAY_ID, 4) is None
    assert not known.is_over(MEMBER.instance.id)
    assert not known.is_over("services")
    assert not known.stirred.is_set()


@pytest.mark.parametrize("after", [ENDED, SUCCESSOR], ids=["ended", "replaced"])
def test_who_has_ended_is_over(after: Member) -> None:
    known = roster(MEMBER, after)
    assert known.is_over(MEMBER.instance.id)
    assert known.stirred.is_set()


def test_an_older_record_changes_nothing() -> None:
    known = roster(MEMBER, SUCCESSOR)
    known.note(Entry(KEY, MEMBER, 1))
    assert known.find(SUCCESSOR.instance.id) == SUCCESSOR
    assert not known.is_over(SUCCESSOR.instance.id)
    assert known.is_over(MEMBER.instance.id)


def test_what_is_deleted_or_lost_is_forgotten() -> None:
    known = roster(SUCCESSOR)
    known.note(Deleted(KEY, 2))
    assert known.find(SUCCESSOR.instance.id) is None
    known = roster(MEMBER, SUCCESSOR)
    known.note(Restarted())
    assert not known.is_over(MEMBER.instance.id)
    assert known.find(SUCCESSOR.instance.id) is None


async def test_only_connections_of_ended_machines_are_closed() -> None:
    neighbour = a_member(4)
    clients = FakeClients("services", MEMBER.instance.id, neighbour.instance.id, "i-unknown")
    world = Broker(clients=clients).world
    world.roster.note(Entry(KEY, MEMBER, 1))
    world.roster.note(Entry(member_key(ARRAY_ID, 4), neighbour, 2))
    await sweep_connections(world)
    assert len(clients.users) == 4
    world.roster.note(Entry(KEY, ENDED, 3))
    await sweep_connections(world)
    assert clients.users == ["services", neighbour.instance.id, "i-unknown"]
