"""Asking for a list of peers page by page."""

from collections.abc import Awaitable, Callable

from spawn.contracts.assignments import Peers
from spawn.contracts.pages import join_pages
from spawn.errors import Transient

_MOST_STARTS = 10


async def ask_pages(ask: Callable[[int], Awaitable[Peers]]) -> Peers:
    """Return the whole list, all of one edition; `ask` returns the page of a number.

    Begins anew when the list changes meanwhile; raises `Transient` when it changes all the time.
    """
    for _ in range(_MOST_STARTS):
        pages = [await ask(0)]
        while len(pages) < pages[0].pages and pages[-1].edition == pages[0].edition:
            pages.append(await ask(len(pages)))
        if pages[-1].edition == pages[0].edition:
            return join_pages(pages)
    raise Transient("the peers change all the time; ask later")
