"""Whose call is next, pure: fair queueing of the calls that wait for one API's tokens.

Self-clocked fair queueing (Golestani, INFOCOM 1994, https://doi.org/10.1109/INFCOM.1994.337677):
each key is a flow and each call gets a finish tag, the later of the queue's virtual time and the
tag of the flow's call before it, plus the call's cost. The lowest tag is next. So a small call
passes large ones that wait for tokens, and a large one is passed by no more than its own cost.
"""

import heapq
from typing import NamedTuple


class Turn(NamedTuple):
    """A waiting call: its place in the order, and whose it is."""

    finish: float
    number: int
    key: str


class Turns:
    """The waiting calls of one API, in the order in which they are to be made."""

    def __init__(self) -> None:
        self._waiting: list[Turn] = []
        self._gone: set[int] = set()
        self._last: dict[str, float] = {}
        self._virtual = 0.0
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting) - len(self._gone)

    def enter(self, key: str, cost: float) -> Turn:
        """Queue a call of `key`; `cost` is how long the API's buckets need to regain it."""
        finish = max(self._virtual, self._last.get(key, 0.0)) + cost
        self._last[key] = finish
        self._number += 1
        turn = Turn(finish, self._number, key)
        heapq.heappush(self._waiting, turn)
        return turn

    def first(self) -> Turn | None:
        """Return the call that is next, if any waits."""
        while self._waiting and self._waiting[0].number in self._gone:
            self._gone.discard(heapq.heappop(self._waiting).number)
        return self._waiting[0] if self._waiting else None

    def serve(self, turn: Turn) -> None:
        """Take the first call, `turn`, out: it is made now."""
        heapq.heappop(self._waiting)
        self._virtual = turn.finish
        self._forget()

    def leave(self, turn: Turn) -> None:
        """Take a call out that is given up."""
        self._gone.add(turn.number)
        self.first()
        self._forget()

    def _forget(self) -> None:
        # Tags matter only between calls that wait: with none left the next one starts afresh,
        # and a flow without a call that waits is as good as a new one once time has passed it.
        if self.first() is None:
            self._virtual = 0.0
            self._last.clear()
        elif len(self._last) > 2 * len(self._waiting):
            self._last = {k: tag for k, tag in self._last.items() if tag > self._virtual}
