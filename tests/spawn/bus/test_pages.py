"""Asking for peers page by page."""

import msgspec
import pytest

from spawn.bus.pages import ask_pages
from spawn.contracts.assignments import Peers
from spawn.errors import Transient
from tests.fakes.roster import CHANGING, Roster, peers

ABC = peers("a", "b", "c")


@pytest.mark.parametrize("whole", [ABC, msgspec.structs.replace(ABC, complete=False, size=9)])
async def test_all_pages_are_asked_for_complete_or_not(whole: Peers) -> None:
    roster = Roster(whole)
    assert (await ask_pages(roster.page)).peers == ABC.peers
    assert roster.asked == [0, 1, 2]


@pytest.mark.parametrize("later", [peers("a", "b", "x"), peers("a", "b", "c", "d"), peers("a")])
async def test_a_list_that_changes_meanwhile_is_read_anew(later: Peers) -> None:
    roster = Roster(ABC, ABC, later)
    assert (await ask_pages(roster.page)).peers == later.peers
    assert roster.asked == [0, 1, 2, *range(len(later.peers))]


async def test_a_list_that_changes_all_the_time_is_asked_for_later() -> None:
    with pytest.raises(Transient, match="later"):
        await ask_pages(Roster(*CHANGING).page)
