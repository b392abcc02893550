"""Lists of peers in pages."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from spawn.bus import codec
from spawn.contracts.assignments import Peer, Peers
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Facts
from spawn.contracts.pages import LARGEST_PAGE, cut_pages, join_pages

KEY = f"ssh-ed25519 {'A' * 68} ip-10-123-124-125"
FIELDS = ("revision", "complete", "size")


def peers_of(texts: list[str]) -> Peers:
    peers = tuple(
        Peer(index=index, instance_id=InstanceId(f"i-{index:017x}"), ip="10.0.0.1", dns=text)
        for index, text in enumerate(texts)
    )
    return Peers(revision=7, complete=True, size=len(peers), peers=peers)


@given(texts=st.lists(st.text(max_size=400), max_size=12), largest=st.integers(1, 2000))
def test_pages_are_small_and_together_the_list(texts: list[str], largest: int) -> None:
    whole = peers_of(texts)
    pages = cut_pages(whole, largest=largest)
    assert join_pages(pages).peers == whole.peers
    assert [page.page for page in pages] == list(range(len(pages)))
    assert {page.pages for page in pages} == {len(pages)}
    assert len({page.edition for page in pages}) == 1
    for page in pages:
        assert all(getattr(page, name) == getattr(whole, name) for name in FIELDS)
        assert len(page.peers) <= 1 or len(msgspec.json.encode(page.peers)) <= largest + 2


def test_5000_members_with_their_keys_go_over_the_bus() -> None:
    facts = Facts(hostname="ip-10-123-124-125", slots=192, host_key=KEY, user_key=KEY)
    some = peers_of(["ip-10-123-124-125.eu-central-1.compute.internal"] * 5000)
    whole = msgspec.structs.replace(
        some, peers=tuple(msgspec.structs.replace(each, facts=facts) for each in some.peers)
    )
    pages = cut_pages(whole)
    assert len(codec.encode(whole, largest=1 << 30)) > codec.LARGEST
    assert max(len(codec.encode(page)) for page in pages) < LARGEST_PAGE + 1024
    assert join_pages(pages).peers == whole.peers


def test_an_empty_list_has_a_page() -> None:
    (page,) = cut_pages(peers_of([]))
    assert (page.page, page.pages, page.peers) == (0, 1, ())


def test_another_list_has_another_edition() -> None:
    whole = peers_of(["a", "b"])
    others = (
        peers_of(["a", "c"]),
        peers_of(["a"]),
        msgspec.structs.replace(whole, complete=False),
        msgspec.structs.replace(whole, revision=8),
    )
    editions = [cut_pages(each)[0].edition for each in (whole, *others)]
    assert len(set(editions)) == len(editions)
    assert cut_pages(peers_of(["a", "b"]))[0].edition == editions[0]
