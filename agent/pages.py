"""Asking for the peers page by page: all pages are of one list, or it begins anew."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable

from agent.orders import Page, Peers, Unreadable, read_page

_MOST_STARTS = 5


async def ask_peers(ask: Callable[[int], Awaitable[bytes]]) -> Peers:
    """Return the peers; `ask` returns the page of a number, undecoded.

    Incomplete ones may be of the first page alone, for nobody reads them. Raises `Unreadable`
    when the list changes all the time, and what `ask` raises.
    """
    for _ in range(_MOST_STARTS):
        pages = [read_page(await ask(0))]
        while is_continued(pages):
            pages.append(read_page(await ask(len(pages))))
        if is_one_list(pages):
            return join(pages)
    raise Unreadable("peers: the list changed whenever it was read")


def is_continued(pages: list[Page]) -> bool:
    """Say whether to ask for the page behind these."""
    first = pages[0]
    return first.part.complete and len(pages) < first.pages and is_one_list(pages)


def is_one_list(pages: list[Page]) -> bool:
    """Say whether pages are the first ones of the same list."""
    first = pages[0]
    return all(
        (page.number, page.pages, page.edition) == (number, first.pages, first.edition)
        for number, page in enumerate(pages)
    )


def join(pages: list[Page]) -> Peers:
    """Return the peers of pages of one list; complete when nobody is missing."""
    first = pages[0]
    peers = tuple(peer for page in pages for peer in page.part.peers)
    complete = first.part.complete and len(peers) == first.size
    return Peers(revision=first.part.revision, complete=complete, peers=peers)
