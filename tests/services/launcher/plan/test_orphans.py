from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launcher.model import LEASE_GRACE, VISIBILITY
from services.launcher.plan.ladder import open_intent
from services.launcher.plan.orphans import adopt, judge, read_claim, with_lease
from services.launcher.plan.replacement import may_start
from services.launcher.plan.settlement import settle_launched
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Described, InstanceState
from spawn.contracts.launches import Finding
from spawn.contracts.leases import LEASE_TAG, Lease
from spawn.contracts.members import Member, MemberState
from spawn.errors import Rejected
from tests.builders import (
    ARRAY_ID,
    NOON,
    POOL_A,
    a_chunk,
    an_array,
    an_ending,
    an_instance,
    described,
    lost,
    running,
)
from tests.services.launcher.plan.views import LEASE_OVER, SIZE, arrays, members, with_intent

OLD = NOON + VISIBILITY
"""When an instance that was launched at noon is no longer young."""

ASKED = with_intent(an_array())
INTENT = ASKED.intents[0]
LAUNCHED = settle_launched(ASKED, INTENT.token, range(4), now=NOON)
STRANGER = an_instance(9).id


def made(index: int = 0, **tags: str) -> Described:
    """Return what EC2 lists for one instance of a call, with some of its tags changed."""
    one = described(INTENT, index)
    changed = {name.replace("_", "-", 1): value for name, value in tags.items()}
    spawned = {f"spawn:{name}": value for name, value in changed.items()}
    return msgspec.structs.replace(one, tags={**one.tags, **spawned})


def verdict(one: Described, array: Array | None, *held: Member, now: Any = OLD) -> Finding:
    return judge(one, array, {each.rank: each for each in held}, region="us-east-1", now=now)


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        pytest.param({"ranks": "x"}, "ranks", id="ranks that are none"),
        pytest.param({"ranks": "0"}, "range", id="more instances than ranks"),
        pytest.param({"size": "many"}, "many", id="a size that is no number"),
        pytest.param({"size": "3"}, "no array", id="a rank beyond the size"),
        pytest.param({"generation": ""}, "invalid literal", id="no generation"),
        pytest.param({"lease": "soon"}, "instant", id="a lease that is no instant"),
        pytest.param({"array_id": "training"}, "no array", id="an id that is none"),
    ],
)
def test_tags_that_are_not_ours_are_named(tags: dict[str, str], named: str) -> None:
    with pytest.raises(Rejected, match=named):
        read_claim(made(3, **tags))
    finding = verdict(made(3, **tags), None)
    assert (finding.verdict, finding.region) == ("leave", "us-east-1")


def test_an_instance_without_tags_is_left_alone() -> None:
    bare = msgspec.structs.replace(made(), tags={})
    with pytest.raises(Rejected, match="spawn:ranks"):
        read_claim(bare)
    finding = verdict(bare, None)
    assert (finding.verdict, finding.array_id) == ("leave", "")


@pytest.mark.parametrize(
    ("array", "held", "now", "expected", "reason"),
    [
        pytest.param(None, (), OLD, "adopt", "its array has no record", id="array unknown"),
        pytest.param(LAUNCHED, (), OLD, "adopt", "its rank is not filled", id="rank empty"),
        pytest.param(
            ASKED, (), OLD, "leave", "its launch is being recorded", id="call still open"
        ),
        pytest.param(
            LAUNCHED,
            (running(0, instance=an_instance(9)),),
            OLD,
            "leave",
            f"rank 0 is filled by {STRANGER}",
            id="rank filled by another of the same generation",
        ),
        pytest.param(
            LAUNCHED,
            (running(0, instance=an_instance(9), generation=1),),
            OLD,
            "end",
            f"rank 0 is now filled by {STRANGER}",
            id="superseded",
        ),
        pytest.param(
            LAUNCHED,
            (running(0, instance=an_instance(9), generation=1, state=MemberState.LAUNCHED),),
            OLD,
            "leave",
            f"rank 0 is filled by {STRANGER}",
            id="its successor does not run yet",
        ),
        pytest.param(
            an_array(state=ArrayState.TERMINATING, ending=an_ending()),
            (),
            OLD,
            "end",
            "its array is terminating",
            id="array ending",
        ),
        pytest.param(
            an_array(state=ArrayState.REJECTED), (), OLD, "end", "its array is rejected", id="over"
        ),
        pytest.param(
            None,
            (),
            LEASE_OVER + LEASE_GRACE,
            "end",
            "its lease ended at 2026-12-01 20:00:00 UTC",
            id="its own lease is long over",
        ),
        pytest.param(
            None,
            (),
            LEASE_OVER + LEASE_GRACE - timedelta(seconds=1),
            "adopt",
            "its array has no record",
            id="its lease is over but not long",
        ),
        pytest.param(
            an_array(state=ArrayState.TERMINATING, ending=an_ending()),
            (),
            OLD - timedelta(seconds=1),
            "leave",
            "its array is terminating; it is younger than 5 minutes",
            id="array ending, instance young",
        ),
    ],
)
def test_what_becomes_of_an_instance_that_no_member_names(
    array: Array | None, held: tuple[Member, ...], now: Any, expected: str, reason: str
) -> None:
    finding = verdict(made(), array, *held, now=now)
    assert (finding.verdict, finding.reason) == (expected, reason)
    assert (finding.instance_id, finding.array_id) == (an_instance(0).id, ARRAY_ID)


def test_an_instance_of_unknown_age_counts_as_young() -> None:
    ageless = msgspec.structs.replace(made(), instance=an_instance(0, launched_at=None))
    over = an_array(state=ArrayState.TERMINATED)
    assert verdict(ageless, over).verdict == "leave"


@given(arrays(), st.lists(members(0), max_size=1), st.integers(0, 600), st.booleans())
def test_nothing_is_ended_that_is_young_or_wanted(
    array: Array, held: list[Member], minutes: int, known: bool
) -> None:
    one, now = made(), NOON + timedelta(minutes=minutes)
    finding = verdict(one, array if known else None, *held, now=now)
    if finding.verdict != "end":
        return
    assert now - NOON >= VISIBILITY
    lease_long_over = now >= LEASE_OVER + LEASE_GRACE
    ending = known and (array.ending is not None or array.state.is_over)
    superseded = any(member.generation > 0 for member in held)
    assert lease_long_over or ending or superseded


@st.composite
def launched_arrays(draw: st.DrawFn) -> tuple[Array, list[Described]]:
    """Draw an array of which a call has made some, and what EC2 lists of it."""
    ranks = sorted(draw(st.sets(st.integers(0, SIZE - 1), min_size=1)))
    until = NOON + timedelta(seconds=draw(st.integers(60, 604_800)))
    chunk = a_chunk(",".join(map(str, ranks)))
    array = an_array(SIZE, chunks=(chunk,), lease=Lease(until=until), owner=draw(_OWNERS))
    asked = open_intent(array, chunk, POOL_A, now=NOON)
    found = [described(asked.intents[0], index) for index in range(len(ranks))]
    return asked, draw(st.permutations(found))


_OWNERS = st.text("abc-_0", min_size=1, max_size=12)


@settings(max_examples=60)
@given(launched_arrays())
def test_an_array_is_told_again_from_its_tags(drawn: tuple[Array, list[Described]]) -> None:
    array, found = drawn
    (adoption,) = adopt(found, deployment="test", region="us-east-1", now=OLD)
    again = adoption.array
    assert (again.id, again.name, again.owner) == (array.id, array.name, array.owner)
    assert (again.size, again.lease, again.region) == (array.size, array.lease, array.region)
    assert (again.state, again.accepted_at) == (ArrayState.RECOVERED, NOON)
    ranks = {member.rank: member.instance for member in adoption.members}
    asked = array.intents[0].chunk.ranks.split(",")
    assert sorted(ranks) == [int(rank) for rank in asked]
    for one in found:
        assert ranks[read_claim(one).rank] == one.instance


def other(one: Described) -> Described:
    return msgspec.structs.replace(
        one, tags={**one.tags, "spawn:array-id": "other-abcdefghijkl", "spawn:array-name": "other"}
    )


def test_each_array_is_adopted_once() -> None:
    adoptions = adopt(
        [made(0), other(made(1)), made(2)], deployment="test", region="us-east-1", now=OLD
    )
    assert {each.array.id: len(each.members) for each in adoptions} == {
        ARRAY_ID: 2,
        ArrayId("other-abcdefghijkl"): 1,
    }
    assert adopt([], deployment="test", region="us-east-1", now=OLD) == ()


@pytest.mark.parametrize("order", [1, -1], ids=["old first", "new first"])
def test_of_two_generations_the_newer_is_adopted(order: int) -> None:
    newer = msgspec.structs.replace(made(generation="1"), instance=an_instance(7))
    (adoption,) = adopt([made(), newer][::order], deployment="test", region="us-east-1", now=OLD)
    (member,) = adoption.members
    assert (member.generation, member.instance.id) == (1, an_instance(7).id)
    # The older one may be at work still: the job of the newer waits.
    assert [each.instance.id for each in member.formers] == [made().instance.id]
    assert not may_start(member, OLD)


def test_an_adopted_array_lives_as_long_as_its_longest_lease() -> None:
    longer = made(1, lease="2026-12-02T00:00:00Z")
    (adoption,) = adopt([made(0), longer], deployment="test", region="us-east-1", now=OLD)
    assert adoption.array.lease.until == NOON + timedelta(hours=12)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (InstanceState.PENDING, MemberState.LAUNCHED),
        (InstanceState.RUNNING, MemberState.RUNNING),
        (InstanceState.STOPPING, MemberState.RUNNING),
        (InstanceState.STOPPED, MemberState.RUNNING),
        (InstanceState.SHUTTING_DOWN, MemberState.LOST),
        (InstanceState.TERMINATED, MemberState.LOST),
    ],
)
def test_an_adopted_member_is_in_the_state_of_its_instance(
    seen: InstanceState, state: MemberState
) -> None:
    one = msgspec.structs.replace(made(), instance=an_instance(0, state=seen))
    (adoption,) = adopt([one], deployment="test", region="us-east-1", now=OLD)
    assert [each.state for each in adoption.members] == [state]


def test_adoption_works_without_a_launch_time() -> None:
    ageless = msgspec.structs.replace(made(), instance=an_instance(0, launched_at=None))
    (adoption,) = adopt([ageless], deployment="test", region="us-east-1", now=OLD)
    assert adoption.array.accepted_at == OLD


def test_a_rank_that_was_lost_is_held_by_its_record() -> None:
    finding = verdict(made(), LAUNCHED, lost(0, instance=an_instance(9)))
    assert (finding.verdict, finding.reason) == ("leave", f"rank 0 is filled by {STRANGER}")


@pytest.mark.parametrize("generation", [0, 1])
def test_an_instance_that_was_taken_for_lost_is_left_to_its_lease(generation: int) -> None:
    own = lost(0, instance=an_instance(0), generation=generation)
    finding = verdict(made(), LAUNCHED, own)
    expected = "rank 0 counts as lost; its lease will end it"
    assert (finding.verdict, finding.reason) == ("leave", expected)
    assert verdict(made(), LAUNCHED, own, now=LEASE_OVER + LEASE_GRACE).verdict == "end"


def test_an_instance_without_a_lease_has_the_longest_from_its_launch() -> None:
    bare = {name: value for name, value in made().tags.items() if name != LEASE_TAG}
    week = timedelta(days=7)
    one = with_lease(msgspec.structs.replace(made(), tags=bare), week)
    assert read_claim(one).lease.until == NOON + week
    assert verdict(one, LAUNCHED, now=NOON + week).verdict == "adopt"
    assert verdict(one, LAUNCHED, now=NOON + week + LEASE_GRACE).verdict == "end"
    assert with_lease(made(), week) == made()


def test_members_whose_tags_tell_of_other_ends_keep_them() -> None:
    early = made(1, lease="2026-12-01T13:00:00Z")
    (adopted,) = adopt([made(0), early], deployment="test", region="us-east-1", now=NOON)
    assert adopted.array.lease.until == LEASE_OVER
    ends = [each.lease and each.lease.until for each in adopted.members]
    assert ends == [None, NOON + timedelta(hours=1)]
