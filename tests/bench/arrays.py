"""Arrays of each size: by spawn and by a bare script, then in the two ways of others."""

import asyncio
from datetime import timedelta

from tests.bench.ours import Launcher
from tests.bench.results import Costs, Other, Size
from tests.bench.scripts import ATTEMPTS, Attempt, bare

_SHARED = 100
"""Up to this size the samples of one run fit into one region's bucket of 1000 instances."""


async def sizes(launcher: Launcher, wanted: tuple[int, ...], *, runs: int) -> list[Size]:
    """Launch arrays of each size, `runs` times by each contestant, in turns."""
    found = {size: Size(size=size, spawn=[], bare=[]) for size in wanted}
    for run in range(runs):
        small = await _region(launcher)
        for size in wanted:
            region = small if size <= _SHARED else await _region(launcher)
            ours, script = await _pair(launcher, region, size, is_ours_first=run % 2 == 0)
            found[size].spawn.append(ours)
            found[size].bare.append(script)
    return list(found.values())


async def _region(launcher: Launcher) -> str:
    """Return a region that both contestants have used before: clients and moto are warm."""
    region = launcher.control.cloud.next_region()
    await launcher.warm(region)
    await asyncio.to_thread(lambda: launcher.control.cloud.script(region).warm())
    return region


async def _pair(
    launcher: Launcher, region: str, size: int, *, is_ours_first: bool
) -> tuple[Costs, Costs]:
    if is_ours_first:
        ours = await _ours(launcher, region, size)
        return ours, await _bare(launcher, region, size)
    script = await _bare(launcher, region, size)
    return await _ours(launcher, region, size), script


async def _ours(launcher: Launcher, region: str, size: int) -> Costs:
    launcher.control.cloud.fill_buckets()
    array, costs = await launcher.sample(region, size)
    await launcher.end(array)
    return costs


async def _bare(launcher: Launcher, region: str, size: int) -> Costs:
    cloud = launcher.control.cloud
    cloud.fill_buckets()
    script = cloud.script(region, attempts=ATTEMPTS)
    return await asyncio.to_thread(bare, cloud, script, region, size)


async def others(launcher: Launcher, wanted: tuple[int, ...], *, within: timedelta) -> list[Other]:
    """Launch arrays of each size in both ways of others, each with full buckets."""
    cloud, found = launcher.control.cloud, list[Other]()
    region = cloud.next_region()
    await asyncio.to_thread(lambda: cloud.script(region).warm())
    for size in wanted:
        for way in (Attempt.one_by_one, Attempt.tag_each):
            cloud.fill_buckets()
            attempt = Attempt(cloud, region, size, within=within)
            found.append(await asyncio.to_thread(way, attempt))
    return found
