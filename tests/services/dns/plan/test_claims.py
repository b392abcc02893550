"""Whose a name is when two arrays would have it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dns.model import Ownership
from services.dns.plan.claims import refused_arrays, with_stems
from spawn.contracts.hostnames import collide, stem_of
from tests.builders import NOON
from tests.services.dns.worlds import DEPLOYMENT, named_array

ARRAYS = st.lists(
    st.tuples(
        st.sampled_from(["a", "a-1", "a-2", "a-01", "a-1-0", "a-12", "b", "b-0"]),
        st.sampled_from([1, 2, 3, 20]),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        (("a", 1), ("a", 4), True),
        (("a", 4), ("a-3", 1), True),
        (("a", 4), ("a-3", 9), True),
        (("a", 4), ("a-4", 1), False),
        (("a", 4), ("a-03", 1), False),
        (("a", 1), ("a-0", 1), False),
        (("a", 4), ("b", 4), False),
        (("a-1", 4), ("a-1-2", 1), True),
    ],
)
def test_arrays_with_a_name_in_common(
    one: tuple[str, int], other: tuple[str, int], do: bool
) -> None:
    assert collide(one, other) is do
    assert collide(other, one) is do


@given(ARRAYS)
def test_who_was_first_has_the_names_and_nobody_shares_one(found: list[tuple[str, int]]) -> None:
    arrays = [
        named_array(stem, size, id=f"x{n}-abcdefghijkl", accepted_at=NOON + timedelta(seconds=n))
        for n, (stem, size) in enumerate(found)
    ]
    refused = refused_arrays(reversed(arrays))
    held: list[tuple[str, int]] = []
    for array in arrays:
        wanted = (stem_of(array), array.size)
        assert (array.id in refused) == any(collide(wanted, each) for each in held)
        if array.id not in refused:
            held.append(wanted)


def test_an_adopted_array_keeps_the_names_that_it_has() -> None:
    adopted, asked = named_array("a", request_id=""), named_array("b")
    owned = {
        stem: Ownership(deployment=DEPLOYMENT, array_id=each.id, size=4)
        for stem, each in (("chosen", adopted), ("other", asked))
    }
    found = with_stems([adopted, asked], owned)
    assert {stem_of(each) for each in found.values()} == {"chosen", "b"}
