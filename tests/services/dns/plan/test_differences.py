"""What is changed, in which order, and what goes out together."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dns.memory import ZoneCopy
from services.dns.model import Edit, Holder, Ownership, Slot, Wanted
from services.dns.plan.batches import first_batch, halves, seal
from services.dns.plan.difference import edits_of, in_order, stale_edits
from services.dns.plan.names import wanted_of
from services.dns.plan.ownership import owners
from spawn.contracts.instances import InstanceState
from spawn.contracts.zones import BatchLimits, Change, Record, RecordType
from tests.builders import an_instance
from tests.services.dns.worlds import BASE, NAMING, a_member, named_array

LIMITS = BatchLimits(values=1_000, characters=30_000)
TTL = timedelta(seconds=30)
ARRAY = named_array(size=450)
HOLDERS = {"training": Holder(array_id=ARRAY.id, size=ARRAY.size)}


def wanted(ranks: set[int], *, moved: int = 0) -> Wanted:
    held = {rank: a_member(ARRAY, rank, number=rank + moved) for rank in ranks}
    return wanted_of(ARRAY, held, leaving=frozenset(), naming=NAMING)


class Zone:
    """A zone that every change is made in, and how many there were."""

    def __init__(self, *records: Record) -> None:
        self.copy = ZoneCopy(records)
        self.changes: list[tuple[Change, ...]] = []

    @property
    def ours(self) -> dict[str, Ownership]:
        return owners(self.copy.records.values(), NAMING)[0]

    def edits(self, found: Wanted) -> tuple[Edit, ...]:
        owned = self.ours.get("training")
        return in_order(edits_of(found, owned, self.copy.records, base=BASE)[0])

    def bring(self, found: Wanted, limits: BatchLimits = LIMITS) -> None:
        while edits := self.edits(found):
            self.send(first_batch(edits, self.copy.records, limits, base=BASE), limits)

    def send(self, batch: tuple[Edit, ...], limits: BatchLimits = LIMITS) -> None:
        changes = seal(
            batch, zone=self.copy.records, ours=self.ours, holders=HOLDERS, naming=NAMING
        )
        sides = [one for each in changes for one in (each.before, each.after) if one]
        assert sum(len(each.values) for each in sides) <= limits.values
        assert sum(len(value) for each in sides for value in each.values) <= limits.characters
        assert all(
            each.before is self.copy.records.get(each.key) or each.before is None
            for each in changes
        )
        self.copy.apply(changes)
        self.changes.append(changes)

    def plain(self) -> dict[tuple[str, str], tuple[str, ...]]:
        records = self.copy.records
        return {key: each.values for key, each in records.items() if key[1] != RecordType.TXT}


def as_plain(found: Wanted) -> dict[tuple[str, str], tuple[str, ...]]:
    return {each.key: each.values for each in found.records.values()}


RANKS = st.sets(st.integers(0, 449), max_size=449)


@given(RANKS, RANKS, st.sampled_from([0, 7]), st.integers(410, 1_000))
def test_edits_lead_from_any_members_to_any_others(
    before: set[int], after: set[int], moved: int, values: int
) -> None:
    zone, limits = Zone(), BatchLimits(values=values, characters=30_000)
    for found in (wanted(before), wanted(after, moved=moved), wanted(set())):
        zone.bring(found, limits)
        assert zone.plain() == as_plain(found)
    assert dict(zone.copy.records) == {}


def test_a_thousand_members_take_few_changes() -> None:
    array = named_array(size=1000)
    held = {rank: a_member(array, rank) for rank in range(1000)}
    zone = Zone()
    zone.bring(wanted_of(array, held, leaving=frozenset(), naming=NAMING))
    assert len(zone.changes) <= 6


def test_who_is_gone_leaves_the_group_before_all_else() -> None:
    zone = Zone()
    zone.bring(wanted({0, 1, 2}))
    changed = {rank: a_member(ARRAY, rank) for rank in (0, 2, 3)}
    changed[2] = a_member(ARRAY, 2, number=40, generation=1)
    found = wanted_of(ARRAY, changed, leaving=frozenset(), naming=NAMING)
    order = [each.slot for each in zone.edits(found)]
    assert {each.kind for each in order[:4]} == {"group-a", "group-srv"}
    assert order[4:] == [Slot("a", 1), Slot("a", 2), Slot("a", 3)]


def test_new_names_come_before_the_group_that_gains_them() -> None:
    zone = Zone()
    zone.bring(wanted({0, 1}))
    order = [each.slot.kind for each in zone.edits(wanted({0, 1, 2}))]
    assert order == ["a", "group-a", "group-a", "group-srv", "group-srv"]


def test_a_foreign_record_is_neither_overwritten_nor_removed() -> None:
    foreign = Record(f"training-1.{BASE}", "A", ("192.0.2.1",), TTL)
    alias = Record(f"training-2.{BASE}", "CNAME", ("www.example.org.",), TTL)
    zone = Zone(foreign, alias)
    _, blocked = edits_of(wanted({0, 1, 2}), None, zone.copy.records, base=BASE)
    assert [each.name for each in blocked] == [foreign.name, alias.name]
    zone.bring(wanted({0, 1, 2}))
    zone.bring(wanted(set()))
    assert list(zone.copy.records.values()) == [foreign, alias]


def test_a_record_of_ours_that_somebody_changed_is_put_right() -> None:
    zone = Zone()
    zone.bring(wanted({0, 1}))
    name = (f"training-1.{BASE}", "A")
    zone.copy.apply([Change(None, Record(*name, ("192.0.2.1",), TTL))])
    zone.bring(wanted({0, 1}))
    assert zone.plain() == as_plain(wanted({0, 1}))
    zone.copy.apply([Change(zone.copy.records[name], None)])
    zone.bring(wanted({0}))
    assert zone.plain() == as_plain(wanted({0}))


def test_the_names_of_a_predecessor_go_before_those_of_its_successor_come() -> None:
    zone = Zone()
    zone.bring(wanted({0, 1}))
    single = named_array("training", 1, id="training-bbbbbbbbbbbb")
    held = {0: a_member(single, 0, instance=an_instance(9, state=InstanceState.RUNNING))}
    found = wanted_of(single, held, leaving=frozenset(), naming=NAMING)
    edits = zone.edits(found)
    assert all(each.change and each.change.after is None for each in edits)
    zone.send(edits)
    assert dict(zone.copy.records) == {}
    assert [each.slot for each in zone.edits(found)] == [Slot("a", 0)]


def test_what_nobody_wants_is_removed_whole() -> None:
    zone = Zone()
    zone.bring(wanted({0, 1, 300}))
    owned = zone.ours["training"]
    zone.send(stale_edits("training", owned, zone.copy.records, base=BASE))
    assert dict(zone.copy.records) == {}


def test_what_is_refused_is_split_by_array_first() -> None:
    edits = tuple(
        Edit(stem=stem, slot=Slot("a", rank), change=None, urgency=0)
        for rank in range(2)
        for stem in "abc"
    )
    first, second = halves(edits)
    assert {each.stem for each in first} == {"a"}
    assert {each.stem for each in second} == {"b", "c"}
    assert [len(each) for each in halves(first)] == [1, 1]


def test_records_of_a_stem_that_nobody_holds_are_not_written() -> None:
    edits = Zone().edits(wanted({0}))
    with pytest.raises(ValueError, match="nobody holds training"):
        seal(edits, zone={}, ours={}, holders={}, naming=NAMING)
