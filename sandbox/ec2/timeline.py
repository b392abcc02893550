"""What is due when: one heap of timers for every instance, and of errands beside them."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State


class Timer(NamedTuple):
    """A record is to enter a state, or (None) to be forgotten."""

    due: float
    """Monotonic seconds."""
    number: int
    region: RegionState
    record: Record
    generation: int
    state: State | None


class Errand(NamedTuple):
    """Something to be done, whatever has become of instances meanwhile."""

    due: float
    """Monotonic seconds."""
    number: int
    run: Callable[[], object]


class Timeline:
    """Timers in order of their time; those of an older generation are void."""

    def __init__(self, *, on_sooner: Callable[[], object] = lambda: None) -> None:
        """Call `on_sooner`, in whatever thread, when the next timer is another than before."""
        self._heap: list[Timer | Errand] = []
        self._number = count()
        self._on_sooner = on_sooner

    def add(self, due: float, region: RegionState, record: Record, state: State | None) -> None:
        """Set a timer for a record as it is now."""
        timer = Timer(due, next(self._number), region, record, record.generation, state)
        self._push(timer)

    def call(self, due: float, run: Callable[[], object]) -> None:
        """Have something done."""
        self._push(Errand(due, next(self._number), run))

    def next_due(self) -> float | None:
        """Return when the next timer is due, None when there is none."""
        heap = self._heap
        return heap[0].due if heap else None

    def pop_due(self, *, now: float) -> Timer | Errand | None:
        """Remove and return one valid timer that is due, None when there is none."""
        while self._heap and self._heap[0].due <= now:
            timer = heapq.heappop(self._heap)
            if isinstance(timer, Errand) or timer.generation == timer.record.generation:
                return timer
        return None

    def _push(self, timer: Timer | Errand) -> None:
        heapq.heappush(self._heap, timer)
        if self._heap[0] is timer:
            self._on_sooner()
