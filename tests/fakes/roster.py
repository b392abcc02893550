"""A list of peers that may change between two of its pages."""

from itertools import chain, repeat

from spawn.contracts.assignments import Peer, Peers
from spawn.contracts.ids import InstanceId
from spawn.contracts.pages import cut_pages

_ONE_EACH = 1


def peers(*ips: str) -> Peers:
    """Return a complete list."""
    some = tuple(
        Peer(index=index, instance_id=InstanceId(f"i-{index}"), ip=ip)
        for index, ip in enumerate(ips)
    )
    return Peers(revision=1, complete=True, size=len(ips), peers=some)


class Roster:
    """Answers each question from the next of its lists, at last always from the last one.

    Every page has one peer; in place of a page that there is not the last one is the answer.
    """

    def __init__(self, *lists: Peers) -> None:
        self._lists = chain(lists, repeat(lists[-1]))
        self.asked: list[int] = []

    async def page(self, number: int) -> Peers:
        self.asked.append(number)
        pages = cut_pages(next(self._lists), largest=_ONE_EACH)
        return pages[min(number, len(pages) - 1)]


CHANGING = [peers("a", str(number)) for number in range(1000)]
"""A list that changes all the time."""
