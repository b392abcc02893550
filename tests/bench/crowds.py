"""Many arrays at once, and a small one beside a large one."""

import asyncio
from datetime import timedelta
from statistics import median

from spawn.contracts.ids import ArrayId
from tests.bench.ours import Launcher
from tests.bench.results import Beside, Crowd

_BURST = 5
_PER_SECOND = 2
_LATER = timedelta(seconds=2)
"""RunInstances calls (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html)."""


async def crowd(launcher: Launcher, *, arrays: int, size: int) -> Crowd:
    """Launch many arrays at the same moment, in one region."""
    cloud, clock = launcher.control.cloud, launcher.control.clock
    region = cloud.next_region()
    await launcher.warm(region)
    cloud.fill_buckets()
    before, begun = cloud.count(region), clock.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(launcher.launch(region, size)) for _ in range(arrays)]
    seconds = clock.monotonic() - begun
    calls, throttled = cloud.count(region).since(before)
    made = [task.result() for task in tasks]
    await launcher.end(*(array for array, _ in made))
    return Crowd(
        arrays=arrays,
        size=size,
        seconds=seconds,
        median=median(took for _, took in made),
        ready=len(made),
        calls=calls,
        throttled=throttled,
        fastest_possible=max(0, arrays - _BURST) / _PER_SECOND,
    )


async def small_beside_large(launcher: Launcher, *, large: int) -> Beside:
    """Launch an array of 1 alone, and again while a large one is being launched."""
    cloud, clock = launcher.control.cloud, launcher.control.clock
    region = cloud.next_region()
    await launcher.warm(region)
    array, alone = await launcher.launch(region, 1)
    await launcher.end(array)
    cloud.fill_buckets()
    begun = clock.monotonic()
    big = await launcher.send(region, large)

    async def small(after: timedelta) -> tuple[ArrayId, float]:
        await clock.sleep(after)
        assert not launcher.is_ready(big), f"{large} members were ready before: not beside"
        return await launcher.launch(region, 1)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(small(timedelta(0)))
        second = group.create_task(small(_LATER))
    large_seconds = await launcher.ready(big) - begun
    await launcher.end(first.result()[0], second.result()[0], big)
    return Beside(
        large=large,
        large_seconds=large_seconds,
        alone=alone,
        at_once=first.result()[1],
        later=second.result()[1],
    )
