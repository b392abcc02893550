"""`python -m tests.bench.leases`: how late leases end, and what remembering them takes.

Leases end spread over 20 s, then all at one instant; late is from a lease's end until the bus has
stored the command that names it. Beside it, the same number of timers in one process's memory.
"""

import argparse
import asyncio
import sys
import tempfile
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psutil

from spawn.contracts.ids import ArrayId
from tests.bench.results import Leases
from tests.fixtures.ttl_process import TtlProcess, ttl_process

SPREAD = timedelta(seconds=20)
_SIDE_BY_SIDE = 200
_MIB = 1024 * 1024
_WITHIN = timedelta(minutes=3)


async def leases(count: int, *, lead: timedelta) -> list[Leases]:
    """Measure both ways of ending; `lead` is the time in which so many leases are surely set."""
    found: list[Leases] = []
    for what, spread in (("spread over 20 s", SPREAD), ("at one instant", timedelta(0))):
        with tempfile.TemporaryDirectory(prefix="spawn-bench-") as folder:
            async with ttl_process(Path(folder)) as ttl:
                found.append(await _one(ttl, what, count, lead=lead, spread=spread))
    return found


async def _one(
    ttl: TtlProcess, what: str, count: int, *, lead: timedelta, spread: timedelta
) -> Leases:
    before = _memory(ttl)
    begun = ttl.bus.clock.now()
    first = begun + lead
    ends = {_id(number): first + spread * number / count for number in range(count)}
    await _accept(ttl, ends)
    await ttl.until_armed(count)
    armed = ttl.bus.clock.now()
    if armed >= first:
        raise SystemExit(f"{count} leases took {armed - begun} to set: take a longer --lead")
    loaded = _memory(ttl)
    await ttl.until(lambda: len(ttl.asked) == count, lead + spread + _WITHIN)
    late = sorted(
        (min(at for _, at in ttl.asked[each]) - until).total_seconds()
        for each, until in ends.items()
    )
    return Leases(
        what=what,
        leases=count,
        earliest=late[0],
        median=late[count // 2],
        p99=late[count * 99 // 100],
        latest=late[-1],
        memory_before=before,
        memory_with_all=loaded,
        heap=_heap(count),
    )


async def _accept(ttl: TtlProcess, ends: dict[ArrayId, datetime]) -> None:
    turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(array_id: ArrayId, until: datetime) -> None:
        async with turns:
            await ttl.accept(array_id, until)

    async with asyncio.TaskGroup() as group:
        for array_id, until in ends.items():
            group.create_task(one(array_id, until))


def _id(number: int) -> ArrayId:
    return ArrayId(f"web{number}-abcdefghijkl")


def _memory(ttl: TtlProcess) -> float:
    return psutil.Process(ttl.pid).memory_info().rss / _MIB


def _heap(count: int) -> float:
    """Return what so many timers of one event loop take, in MiB."""
    loop = asyncio.new_event_loop()
    tracemalloc.start()
    handles = [loop.call_later(3600 + number, print, _id(number)) for number in range(count)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for handle in handles:
        handle.cancel()
    loop.close()
    return taken / _MIB


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.leases", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="leases")
    parser.add_argument("--lead", type=int, default=120, help="seconds before the first end")
    asked = parser.parse_args()
    for found in asyncio.run(leases(asked.count, lead=timedelta(seconds=asked.lead))):
        _say(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
