"""Peers as `spawn peers` writes them are those of the files and variables on the machines."""

import json
from pathlib import Path

import msgspec
import pytest

from agent import listing
from agent.orders import Peer, read_assignment, read_page
from agent.places import Places
from agent.variables import Member, array_variables
from cli.commands.peers import entries, hosts, variables
from spawn.bus import codec
from spawn.contracts.assignments import Peers
from spawn.contracts.ids import InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.members import Facts
from tests.agent.launcher import ARRAY, INSTANCE, OTHER, a_peer, an_assignment
from tests.cli.builders import make_array

SECOND = a_peer(1, OTHER, Facts(slots=7))
THIRD = a_peer(2, InstanceId("i-0cccccccccccccccc"), Facts(slots=0))
BOTH = Peers(revision=2, complete=True, size=2, peers=(a_peer(0, INSTANCE, Facts()), SECOND))
FIRST_LOST = msgspec.structs.replace(BOTH, peers=(SECOND, THIRD))


def on_machine(roster: Peers) -> tuple[Peer, ...]:
    return read_page(codec.encode(roster)).part.peers


@pytest.mark.parametrize("roster", [BOTH, FIRST_LOST], ids=["all", "rank 0 never came"])
def test_both_write_the_same(roster: Peers) -> None:
    there = on_machine(roster)
    assert entries(roster) == json.loads(listing.peers_json(there))
    assert hosts(roster) == listing.hostfile(there).splitlines()
    assignment = read_assignment(codec.encode(an_assignment(JobSpec(), size=roster.size)))
    known = array_variables(Member(assignment, there, Places(Path("/"))))
    array = msgspec.structs.replace(make_array(name="training"), id=ARRAY)
    shown = dict(variables(array, roster))
    assert shown.pop("JOB_ARRAY_HOSTS") == " ".join(each.ip for each in there)
    assert shown.items() <= known.items()
    assert shown["MASTER_ADDR"] == there[0].ip
