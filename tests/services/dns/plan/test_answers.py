"""What people are told of edits to the zone: of records that change, and of those only."""

from services.dns.model import Edit, Ownership, Slot
from services.dns.plan.answers import difference_of, removed_by
from services.dns.plan.difference import edits_of, stale_edits
from services.dns.plan.names import wanted_of
from services.dns.plan.slots import WHOLE
from spawn.contracts.hostnames import Host, Hostnames
from spawn.contracts.zones import Record
from tests.builders import NOON
from tests.services.dns.worlds import BASE, DEPLOYMENT, NAMING, a_member, named_array

ARRAY = named_array(size=2)
WANTED = wanted_of(
    ARRAY, {rank: a_member(ARRAY, rank) for rank in range(2)}, leaving=frozenset(), naming=NAMING
)
OWNED = Ownership(
    deployment=DEPLOYMENT, array_id=ARRAY.id, size=2, slots=frozenset({Slot("a", 0), Slot("a", 1)})
)
STANDING = WANTED.records[Slot("a", 0)]
TOLD = Hostnames(
    array_id=ARRAY.id,
    stem="training",
    base=BASE,
    size=2,
    changed_at=NOON,
    hosts=(Host(rank=0, address="10.0.0.9"),),
)


def stale() -> tuple[Edit, ...]:
    """Give up two names of which only the first is still in the zone."""
    return stale_edits("training", OWNED, {STANDING.key: STANDING}, base=BASE)


def coming() -> dict[Slot, Edit]:
    """Compare two members with an empty zone."""
    edits, _ = edits_of(WANTED, None, dict[tuple[str, str], Record](), base=BASE)
    return {each.slot: each for each in edits}


def test_a_name_that_has_left_the_zone_already_is_not_told_as_removed() -> None:
    (told,) = removed_by(stale(), {"training": ARRAY.id})
    assert (told.name, told.values) == (f"training-0.{BASE}", ("10.0.0.1",))
    assert told.array_id == ARRAY.id


def test_a_record_that_comes_is_not_told_as_removed() -> None:
    assert not list(removed_by(coming().values(), {}))


def test_only_an_edit_that_changes_a_record_is_a_difference() -> None:
    removed, given_up = (difference_of(each, ARRAY.id, TOLD) for each in stale())
    assert removed is not None
    assert (removed.wanted, removed.found) == ((), ("10.0.0.1",))
    assert given_up is None


def test_a_rank_is_explained_with_what_was_told_of_it() -> None:
    told = difference_of(coming()[Slot("a", 0)], ARRAY.id, TOLD)
    assert told is not None
    assert (told.wanted, told.recorded) == (("10.0.0.1",), ("10.0.0.9",))


def test_nothing_was_told_of_an_array_without_a_record_nor_of_a_groups_addresses() -> None:
    edits = coming()
    untold = difference_of(edits[Slot("a", 0)], ARRAY.id, None)
    group = difference_of(edits[Slot("group-a", WHOLE)], ARRAY.id, TOLD)
    assert untold is not None
    assert group is not None
    assert (untold.recorded, group.recorded) == ((), ())
    assert group.wanted == ("10.0.0.1", "10.0.0.2")
