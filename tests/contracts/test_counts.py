"""One thing and several."""

import pytest

from spawn.contracts.counts import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 members"), (1, "1 member"), (5000, "5000 members")]
)
def test_a_number_of_things(number: int, text: str) -> None:
    assert counted(number, "member") == text
