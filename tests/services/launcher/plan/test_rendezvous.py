import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Write
from services.launcher.plan.drive import next_steps
from services.launcher.plan.filling import members_of
from services.launcher.plan.rendezvous import (
    as_former,
    assignment_of,
    is_complete,
    names_of,
    peers_of,
    revision_of,
    roll_of,
)
from services.launcher.plan.reports import note_report
from spawn.contracts.arrays import Array
from spawn.contracts.hostnames import Host, Hostnames, RefusedName
from spawn.contracts.launches import JobSpec, WaitFor
from spawn.contracts.members import Facts, Former, Member
from spawn.contracts.reports import Hello
from tests.builders import (
    NOON,
    a_chunk,
    an_array,
    an_ending,
    an_instance,
    described,
    lost,
    running,
)
from tests.services.launcher.plan.views import a_view, with_intent

FACTS = Facts(hostname="ip-10-0-0-1", slots=4)
OTHER = Facts(hostname="ip-10-0-0-1", slots=8)
HELLO = Hello(generation=0, at=NOON, boot_id="b", agent_version="1", facts=OTHER)


def greeted(rank: int = 0, **changes: object) -> Member:
    """Return a member whose agent has said hello."""
    return running(rank, **{"facts": FACTS, "hellos": 1, **changes})


def placed(size: int = 2) -> Array:
    """Return an array all of whose ranks have an instance."""
    return an_array(size=size, chunks=())


def by_rank(*members: Member) -> dict[int, Member]:
    return {member.rank: member for member in members}


def test_a_machine_is_told_its_rank_and_what_to_run() -> None:
    members = by_rank(greeted(0), running(1))
    job = JobSpec(command="true")
    told = assignment_of(placed(), members[1], roll_of(members), job, now=NOON)
    assert (told.rank, told.size, told.generation, told.job) == (1, 2, 0, job)
    assert told.peers_revision == 1
    assert 20_000 <= told.master_port < 40_000
    assert told.may_start
    assert not told.ends


def test_all_machines_of_an_array_meet_at_one_port() -> None:
    members = by_rank(greeted(0), greeted(1))
    ports = {
        assignment_of(placed(), each, roll_of(members), JobSpec(), now=NOON).master_port
        for each in members.values()
    }
    assert len(ports) == 1


def test_a_machine_of_an_array_that_is_ending_is_told_so() -> None:
    array = msgspec.structs.replace(placed(), ending=an_ending())
    assert assignment_of(array, running(0), roll_of(by_rank(running(0))), JobSpec(), now=NOON).ends


def test_a_machine_that_has_a_successor_goes_on_but_begins_nothing() -> None:
    members = by_rank(greeted(0), running(1, generation=2))
    roll = roll_of(members)
    told = assignment_of(placed(), members[1], roll, JobSpec(command="true"), now=NOON)
    assert (told.generation, told.may_start, told.heard) == (2, True, False)
    former = Former(instance=an_instance(9), generation=1, since=NOON)
    assert as_former(told, former) == msgspec.structs.replace(
        told, generation=1, may_start=False, heard=True
    )


def test_peers_are_in_order_of_ranks_with_private_addresses() -> None:
    peers = peers_of(placed(), by_rank(greeted(1), greeted(0)))
    assert peers.complete
    assert [(each.index, each.instance_id, each.ip) for each in peers.peers] == [
        (rank, an_instance(rank).id, an_instance(rank).private_ip) for rank in (0, 1)
    ]


@pytest.mark.parametrize(
    ("array", "members", "expected"),
    [
        pytest.param(placed(), by_rank(greeted(0), greeted(1)), True, id="all have said hello"),
        pytest.param(placed(), by_rank(greeted(0), running(1)), False, id="one has not"),
        pytest.param(placed(), {}, False, id="nobody is there"),
        pytest.param(
            an_array(size=2, chunks=(a_chunk("1"),)),
            by_rank(greeted(0)),
            False,
            id="a rank waits for a pool",
        ),
        pytest.param(with_intent(an_array(size=2)), by_rank(), False, id="a call is open"),
        pytest.param(
            placed(), by_rank(greeted(0), lost(1)), False, id="one is lost without a hello"
        ),
        pytest.param(
            msgspec.structs.replace(placed(), min_count=1),
            by_rank(greeted(0), lost(1)),
            True,
            id="one is lost without a hello, and can be spared",
        ),
        pytest.param(
            placed(),
            by_rank(greeted(0), lost(1, facts=FACTS)),
            True,
            id="one is lost after its hello: the others may have begun with it",
        ),
    ],
)
def test_the_barrier(array: Array, members: dict[int, Member], expected: bool) -> None:
    assert is_complete(array, members) is expected
    assert peers_of(array, members).complete is expected


def test_who_was_lost_without_a_hello_is_no_peer_and_does_not_count() -> None:
    members = by_rank(greeted(0), lost(1), greeted(2))
    array = msgspec.structs.replace(placed(3), min_count=2)
    peers = peers_of(array, members)
    assert ([each.index for each in peers.peers], peers.size) == ([0, 2], 2)
    assert assignment_of(array, members[0], roll_of(members), JobSpec(), now=NOON).size == 2


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_the_revision_goes_up_with_every_hello_and_every_replacement(
    states: list[tuple[int, int]],
) -> None:
    members = {
        rank: running(rank, generation=generation, hellos=hellos, facts=FACTS if hellos else None)
        for rank, (generation, hellos) in enumerate(states)
    }
    before = revision_of(members.values())
    intent = with_intent(an_array(size=1)).intents[0]
    made = described(intent, 0)
    new = msgspec.structs.replace(made, instance=an_instance(99))
    for rank, member in members.items():
        hello = msgspec.structs.replace(HELLO, generation=member.generation)
        change = note_report(member, hello, placed(), now=NOON)
        assert change is not None
        assert revision_of((members | {rank: change.member}).values()) > before
        gone = lost(0, generation=member.generation, hellos=member.hellos)
        (replaced,) = members_of(placed(), intent, [new], {0: gone}, now=NOON)
        assert revision_of((members | {rank: replaced}).values()) > before


def named(*ranks: int, size: int = 2, **changes: object) -> Hostnames:
    """Return names of which those of `ranks` resolve."""
    before = Hostnames(
        array_id=placed().id,
        stem="web",
        base="team.test",
        size=size,
        changed_at=NOON,
        hosts=tuple(Host(rank=rank, address=an_instance(rank).private_ip) for rank in ranks),
    )
    return msgspec.structs.replace(before, **changes)


REFUSED = (RefusedName(name="web-1.team.test", reason="somebody else's"),)


@pytest.mark.parametrize(
    ("members", "hostnames", "names"),
    [
        pytest.param(by_rank(greeted(0), greeted(1)), None, {}, id="none were made"),
        pytest.param(by_rank(greeted(0), greeted(1)), named(0), {}, id="one is missing: none"),
        pytest.param(
            by_rank(greeted(0), greeted(1)),
            named(0, 1),
            {0: "web-0.team.test", 1: "web-1.team.test"},
            id="all resolve",
        ),
        pytest.param(
            by_rank(greeted(0), greeted(1, generation=1)),
            named(0, 1),
            {},
            id="one resolves to its predecessor: none",
        ),
        pytest.param(
            by_rank(greeted(0), lost(1, facts=FACTS)),
            named(0),
            {0: "web-0.team.test"},
            id="who is lost needs none",
        ),
        pytest.param(by_rank(greeted(0)), named(0, size=1), {0: "web.team.test"}, id="alone"),
    ],
)
def test_peers_have_names_once_all_of_them_resolve(
    members: dict[int, Member], hostnames: Hostnames | None, names: dict[int, str]
) -> None:
    assert names_of(members, hostnames) == names
    peers = peers_of(placed(), members, hostnames)
    assert {each.index: each.dns for each in peers.peers if each.dns} == names
    assert all(each.ip for each in peers.peers)
    without = revision_of(members.values())
    assert (peers.revision > without) is bool(names)


@pytest.mark.parametrize(
    ("hostnames", "expected"),
    [
        pytest.param(None, False, id="no names yet"),
        pytest.param(named(0), False, id="one is missing"),
        pytest.param(named(0, 1), True, id="all resolve"),
        pytest.param(named(0, refused=REFUSED), True, id="one never will"),
    ],
)
def test_the_barrier_waits_for_names_when_it_was_asked_to(
    hostnames: Hostnames | None, expected: bool
) -> None:
    members = by_rank(greeted(0), greeted(1))
    spec = msgspec.structs.replace(placed().spec, wait_for=WaitFor.DNS)
    waiting = msgspec.structs.replace(placed(), spec=spec)
    assert is_complete(waiting, members, hostnames) is expected
    assert is_complete(placed(), members, hostnames)
    ready = [
        each
        for each in next_steps(a_view(waiting, members.values(), hostnames=hostnames))
        if isinstance(each, Write)
    ]
    assert bool(ready) is expected
