"""Asking for peers page by page, on a machine; the pages are the launcher's."""

import msgspec
import pytest

from agent.orders import Peers, Unreadable
from agent.pages import ask_peers
from spawn.bus import codec
from tests.fakes.roster import CHANGING, Roster, peers

ABC = peers("a", "b", "c")


async def asked_from(roster: Roster) -> Peers:
    async def ask(page: int) -> bytes:
        return codec.encode(await roster.page(page))

    return await ask_peers(ask)


async def ips_from(roster: Roster) -> list[str]:
    found = await asked_from(roster)
    assert found.complete
    return [each.ip for each in found.peers]


async def test_a_list_is_all_of_its_pages() -> None:
    roster = Roster(ABC)
    assert await ips_from(roster) == ["a", "b", "c"]
    assert roster.asked == [0, 1, 2]


@pytest.mark.parametrize("later", [["a", "b", "x"], ["a", "b", "c", "d"], ["a"]])
async def test_a_list_that_changes_meanwhile_is_read_anew(later: list[str]) -> None:
    roster = Roster(ABC, ABC, peers(*later))
    assert await ips_from(roster) == later
    assert roster.asked == [0, 1, 2, *range(len(later))]


async def test_a_list_that_changes_all_the_time_is_nobody_s() -> None:
    with pytest.raises(Unreadable, match="changed"):
        await asked_from(Roster(*CHANGING))


async def test_of_incomplete_peers_one_page_is_enough() -> None:
    roster = Roster(msgspec.structs.replace(ABC, complete=False, size=4))
    assert not (await asked_from(roster)).complete
    assert roster.asked == [0]


async def test_peers_without_pages_are_one() -> None:
    async def ask(_page: int) -> bytes:
        peer = b'{"index":0,"instance_id":"i-0","ip":"a"}'
        return b'{"revision":1,"complete":true,"size":1,"peers":[%s]}' % peer

    assert [each.ip for each in (await ask_peers(ask)).peers] == ["a"]


async def test_a_list_that_says_complete_with_somebody_missing_is_not() -> None:
    assert not (await asked_from(Roster(msgspec.structs.replace(ABC, size=4)))).complete
