"""A list of peers in pages that the bus takes, and pages as one list again."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import chain

import msgspec

from spawn.contracts.assignments import Peer, Peers

LARGEST_PAGE = 512 * 1024
"""Bytes of the peers on a page, unless a single one has more: some 1,500 with their keys."""

_ENCODER = msgspec.json.Encoder()


def cut_pages(whole: Peers, *, largest: int = LARGEST_PAGE) -> tuple[Peers, ...]:
    """Return a list's pages, at least one; the same list gives the same pages."""
    groups, edition = _groups(whole, largest)
    return tuple(
        msgspec.structs.replace(
            whole, peers=tuple(group), page=number, pages=len(groups), edition=edition
        )
        for number, group in enumerate(groups)
    )


def join_pages(pages: Sequence[Peers]) -> Peers:
    """Return the list that pages of one edition are of."""
    peers = tuple(chain.from_iterable(page.peers for page in pages))
    return msgspec.structs.replace(pages[0], peers=peers, pages=1)


def _groups(whole: Peers, largest: int) -> tuple[list[list[Peer]], str]:
    groups: list[list[Peer]] = [[]]
    digest = sha256(f"{whole.revision}/{whole.complete}/{whole.size}".encode())
    room = largest
    for peer in whole.peers:
        encoded = _ENCODER.encode(peer)
        digest.update(encoded)
        if groups[-1] and len(encoded) > room:
            groups.append([])
            room = largest
        groups[-1].append(peer)
        room -= len(encoded) + 1
    return groups, digest.hexdigest()[:16]
