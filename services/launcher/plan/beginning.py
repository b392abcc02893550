"""The beginning of a launch once AWS's own facts are known: it goes on, or is refused."""

from datetime import datetime, timedelta

from services.launcher.model import View
from services.launcher.plan.settlement import advance
from spawn.contracts.arrays import Array, ArrayState, Chunk, Placement
from spawn.contracts.counts import counted
from spawn.contracts.durations import format_duration
from spawn.contracts.events import ArrayLaunching, ArrayRejected
from spawn.errors import Rejected

SLOW = timedelta(seconds=10)
"""From here on it is worth saying how long EC2's rate holds a launch up."""


def launching(
    array: Array,
    placement: Placement,
    chunks: tuple[Chunk, ...],
    *,
    expected: timedelta,
    now: datetime,
) -> Array:
    """Begin to ask for capacity; `expected` is how long that takes at EC2's rate."""
    slowly = f", {format_duration(expected)} at EC2's rate" if expected >= SLOW else ""
    data = ArrayLaunching(
        pools=placement.pools,
        chunks=len(chunks),
        reason=f"{counted(array.size, 'instance')} in {counted(len(chunks), 'call')}{slowly}",
        expected_seconds=expected.total_seconds(),
    )
    return advance(
        array, now, data, state=ArrayState.LAUNCHING, placement=placement, chunks=chunks
    )


def reject(array: Array, rejection: Rejected, view: View) -> Array:
    """End an accepted array that AWS's own facts rule out: nothing of it was made."""
    data = ArrayRejected(
        request_id=array.request_id,
        name=array.name,
        code=rejection.code,
        field=rejection.field,
        message=rejection.message,
    )
    return advance(array, view.now, data, state=ArrayState.REJECTED, reason=rejection.message)
