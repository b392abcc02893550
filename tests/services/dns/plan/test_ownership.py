"""Which records are ours: written into the zone, and read back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dns.model import Ownership, Slot
from services.dns.plan.ownership import owner_record, owners, read_owner
from services.dns.plan.slots import WHOLE
from spawn.contracts.ids import ArrayId
from spawn.contracts.zones import Record
from tests.services.dns.worlds import BASE, DEPLOYMENT, NAMING

ARRAY = ArrayId("training-abcdefghijkl")
TTL = timedelta(seconds=30)
SLOTS = st.frozensets(
    st.builds(Slot, st.sampled_from(["a", "aaaa"]), st.integers(0, 4999))
    | st.builds(
        Slot, st.sampled_from(["group-a", "group-aaaa", "group-srv"]), st.integers(WHOLE, 24)
    ),
    max_size=60,
)


def owned(slots: frozenset[Slot], **changes: str) -> Ownership:
    deployment = changes.get("deployment", DEPLOYMENT)
    return Ownership(deployment=deployment, array_id=ARRAY, size=5000, slots=slots)


def text(*words: str) -> Record:
    return Record(f"_spawn.training.{BASE}", "TXT", (" ".join(words),), TTL)


def test_it_is_written_so_that_people_can_read_it() -> None:
    slots = {Slot("a", rank) for rank in (0, 1, 2, 7)} | {Slot("group-a", WHOLE)}
    assert owner_record("training", owned(frozenset(slots)), NAMING) == text(
        "spawn deployment=test array=training-abcdefghijkl size=5000 a=0-2,7 group-a=all"
    )


@given(SLOTS)
def test_what_is_written_is_read(slots: frozenset[Slot]) -> None:
    assert read_owner(owner_record("training", owned(slots), NAMING)) == owned(slots)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_any_scattering_of_the_largest_array_fits_a_record(step: int) -> None:
    slots = frozenset(Slot(kind, n) for kind in ("a", "aaaa") for n in range(0, 5000, step))
    record = owner_record("training", owned(slots), NAMING)
    assert len(record.values[0]) < 3_900
    assert read_owner(record) == owned(slots)


@pytest.mark.parametrize(
    "words",
    [
        ("v=spf1 -all",),
        ("",),
        ("spawn",),
        ("spawn deployment=test",),
        ("spawn deployment=test array=a size=x",),
        ("spawn deployment=test array=a size=4 a=0-",),
        ("spawn deployment=test array=a size=4 a=0-9999999",),
        ("spawn deployment=test array=a size=4 a=bits:é",),
        ("spawn deployment=test array=a size=4 a=bits:A",),
        (f"spawn deployment=test array=a size=4 a=bits:{'A' * 40_000}",),
    ],
)
def test_what_is_no_owner(words: tuple[str, ...]) -> None:
    assert read_owner(text(*words)) is None


def test_a_text_beside_which_somebody_has_put_another_is_not_ours_to_believe() -> None:
    mine = owner_record("training", owned(frozenset({Slot("a", 0)})), NAMING)
    both = Record(mine.name, mine.type, (*mine.values, "v=spf1 -all"), TTL)
    assert read_owner(both) is None
    ours, foreign = owners([both], NAMING)
    assert not ours
    assert "something else" in foreign["training"]


def test_kinds_of_a_later_version_are_passed_over() -> None:
    found = read_owner(text("spawn deployment=test array=a size=4 a=0 https=0-3 note"))
    assert found is not None
    assert found.slots == {Slot("a", 0)}


def test_stems_are_ours_or_somebody_elses() -> None:
    def named(stem: str, kind: str, value: str) -> Record:
        return Record(f"_spawn.{stem}.{BASE}", kind, (value,), TTL)

    mine = owner_record("mine", owned(frozenset({Slot("a", 0)})), NAMING)
    theirs = owner_record("theirs", owned(frozenset(), deployment="other"), NAMING)
    others = [named("odd", "TXT", "hello"), named("address", "A", "10.0.0.1")]
    beside = Record(f"mine.{BASE}", "TXT", mine.values, TTL)
    ours, foreign = owners([mine, theirs, *others, beside], NAMING)
    assert set(ours) == {"mine"}
    assert set(foreign) == {"theirs", "odd"}
    assert "deployment other" in foreign["theirs"]
