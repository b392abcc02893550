"""Measuring a launch while it is driven."""

from services.launcher import metrics
from services.launcher.model import View
from services.launcher.plan.phases import Splits, begin, split
from spawn.contracts.arrays import Array, ArrayState


class Measuring:
    """What one driver measures of its array: how its launch comes out, and when."""

    def __init__(self) -> None:
        self._splits: Splits | None = None
        self._before: ArrayState | None = None

    def note(self, view: View) -> None:
        """Take the array's times; count its launch in the look that first shows its outcome."""
        before, self._before = self._before, view.array.state
        if self._splits is None:
            self._splits = begin(view)
        elif before in {ArrayState.ACCEPTED, ArrayState.LAUNCHING}:
            self._splits = split(self._splits, view)
        if before not in {None, view.array.state}:
            self._count(view.array, before)

    def _count(self, array: Array, before: ArrayState | None) -> None:
        if array.state is ArrayState.READY and before is ArrayState.LAUNCHING:
            self._count_ready(array)
        elif array.state is ArrayState.REJECTED:
            metrics.LAUNCHES.labels("rejected").inc()
        elif array.ready_at is None and array.state is ArrayState.FAILED:
            metrics.LAUNCHES.labels("failed").inc()
            code = array.ending.code if array.ending else ""
            metrics.FAILURES.labels(code or "unknown").inc()
        elif array.ready_at is None and array.state is ArrayState.TERMINATED:
            metrics.LAUNCHES.labels("ended").inc()

    def _count_ready(self, array: Array) -> None:
        metrics.LAUNCHES.labels("ready").inc()
        if array.ready_at is not None:
            took = array.ready_at - array.accepted_at
            metrics.LAUNCH_DURATION.observe(took.total_seconds())
        if self._splits is not None:
            for phase, spent in self._splits.spent.items():
                metrics.LAUNCH_PHASE.labels(phase).observe(spent.total_seconds())
