"""How long commands take, the start of Python included."""

import time
from pathlib import Path

from tests.bench.results import Startup
from tests.fixtures.control import Plane, Result

_CLOCK = time.perf_counter


async def startup(folder: Path, *, runs: int) -> Startup:
    """Measure `spawn --help`, `spawn up` to ready, and `spawn launch` of one instance."""
    helped, up, launched = list[float](), list[float](), list[float]()
    for number in range(runs):
        plane = Plane(folder / f"home-{number}")
        helped.append(await _timed(plane, "--help"))
        try:
            up.append(await _timed(plane, "up", "--sandbox", "--detach"))
            launched.append(
                await _timed(plane, "launch", "--name", "one", "--region", "us-east-1")
            )
        finally:
            await plane.run("down", "--purge", "--yes")
    return Startup(help=helped, up=up, launch=launched)


async def _timed(plane: Plane, *words: str) -> float:
    begun = _CLOCK()
    result: Result = await plane.run(*words)
    assert result.code == 0, result.err
    return _CLOCK() - begun
