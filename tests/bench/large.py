"""One array far larger than EC2's buckets allow at once, with the buckets switched off."""

from pathlib import Path

from tests.bench.ours import launcher
from tests.bench.plane import control
from tests.bench.results import Large

_WIDE = (
    "RunInstances=1000/1000",
    "RunInstances.instances=100000/10000",
    "TerminateInstances=1000/1000",
    "TerminateInstances.instances=100000/10000",
)


async def large(folder: Path, size: int) -> Large:
    """Launch and end one array of `size` members on a control plane of its own."""
    async with (
        control(folder, SPAWN_AWS_BUCKETS=",".join(_WIDE)) as plane,
        launcher(plane) as ours,
    ):
        plane.cloud.stop_throttling()
        region = plane.cloud.next_region()
        await ours.warm(region)
        array, costs = await ours.sample(region, size)
        memory, begun = plane.memory(), plane.clock.monotonic()
        await ours.end(array)
        return Large(size=size, costs=costs, memory=memory, ending=plane.clock.monotonic() - begun)
