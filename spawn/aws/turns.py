"""Whose call is next, pure: the calls that wait for one API's tokens, in a fair order.

Cost is the time that the API's buckets need to regain what a call takes. Each key (array) has
its calls in order of arrival, and its first one is due once others have been served for as long
as that call costs. The earliest due is next. So keys take turns; a small call passes large ones,
which wait for many tokens anyway; and nothing that comes after a call was due is served before it,
so that no stream of small calls starves a large one.
"""

import heapq
from collections import deque
from typing import NamedTuple


class Turn(NamedTuple):
    """A waiting call: its number in order of arrival, whose it is and what it costs."""

    number: int
    key: str
    cost: float


class Turns:
    """The waiting calls of one API."""

    def __init__(self) -> None:
        self._flows: dict[str, deque[Turn]] = {}
        self._due: list[tuple[float, Turn]] = []
        self._served = 0.0
        self._number = 0

    def __len__(self) -> int:
        return sum(len(flow) for flow in self._flows.values())

    def enter(self, key: str, cost: float) -> Turn:
        """Queue a call of `key` that costs `cost` seconds."""
        self._number += 1
        turn = Turn(self._number, key, cost)
        flow = self._flows.setdefault(key, deque())
        flow.append(turn)
        if len(flow) == 1:
            self._lead(turn)
        return turn

    def first(self) -> Turn | None:
        """Return the call that is next, if any waits."""
        while self._due and not self._leads(self._due[0][1]):
            heapq.heappop(self._due)
        return self._due[0][1] if self._due else None

    def serve(self, turn: Turn) -> None:
        """Take a call out that is made now."""
        self._served += turn.cost
        self._remove(turn)

    def leave(self, turn: Turn) -> None:
        """Take a call out that is given up."""
        self._remove(turn)

    def _remove(self, turn: Turn) -> None:
        flow = self._flows[turn.key]
        led = flow[0] == turn
        flow.remove(turn)
        if not flow:
            del self._flows[turn.key]
        elif led:
            self._lead(flow[0])
        if not self._flows:
            self._due.clear()
            self._served = 0.0

    def _lead(self, turn: Turn) -> None:
        heapq.heappush(self._due, (self._served + turn.cost, turn))

    def _leads(self, turn: Turn) -> bool:
        flow = self._flows.get(turn.key)
        return flow is not None and flow[0] == turn
