"""What is measured, in order."""

import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from tests.bench import arrays, crowds
from tests.bench.large import large
from tests.bench.machine import at_the_end
from tests.bench.names import names
from tests.bench.ours import Launcher, launcher
from tests.bench.plane import control
from tests.bench.rates import rates
from tests.bench.results import Machine, Memory, Report
from tests.bench.startup import startup


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each is measured. `large` and `beside` of 0 leave it out."""

    quick: bool
    hasty: bool
    """Whether instances boot and end in less than a second, instead of in 2."""
    runs: int
    starts: int
    sizes: tuple[int, ...]
    others: tuple[int, ...]
    patience: timedelta
    crowd: tuple[int, int]
    """How many arrays of what size."""
    beside: int
    messages: int
    rounds: int
    large: int
    names: int
    """Members that are named; they arrive over 30 s in a full run."""


_IDLE = timedelta(seconds=5)

FULL = Program(
    quick=False,
    hasty=False,
    runs=5,
    starts=3,
    sizes=(1, 10, 100, 1000),
    others=(1, 10, 100, 1000),
    patience=timedelta(seconds=60),
    crowd=(50, 20),
    beside=1000,
    messages=10_000,
    rounds=3,
    large=5000,
    names=1000,
)

QUICK = Program(
    quick=True,
    hasty=True,
    runs=1,
    starts=1,
    sizes=(1, 100),
    others=(10,),
    patience=timedelta(seconds=20),
    crowd=(5, 4),
    beside=0,
    messages=500,
    rounds=1,
    large=0,
    names=50,
)


async def measure(program: Program, folder: Path, here: Machine, *, begun: float) -> Report:
    """Measure everything; `begun` is when, by `time.perf_counter`."""
    _say("commands")
    started = await startup(folder, runs=program.starts)
    _say("bus")
    bus = await rates(folder, count=program.messages, rounds=program.rounds)
    async with control(folder / "home") as plane, launcher(plane) as ours:
        idle = plane.memory()
        if program.hasty:
            plane.cloud.hasten(boot=0.5, end=0.2)
        _say("arrays")
        sizes = await arrays.sizes(ours, program.sizes, runs=program.runs)
        loaded, idle_cpu = plane.memory(), await plane.share(_IDLE)
        _say("other ways")
        others = await arrays.others(ours, program.others, within=program.patience)
        _say("many arrays")
        many, size = program.crowd
        crowd = await crowds.crowd(ours, arrays=many, size=size)
        beside = await _beside(ours, program)
    _say("names")
    arriving = timedelta(seconds=3 if program.quick else 30)
    named = await names(
        folder / "names", size=program.names, arriving=arriving, upserts=program.names // 10
    )
    _say("a large array")
    return Report(
        machine=at_the_end(here),
        runs=program.runs,
        quick=program.quick,
        startup=started,
        sizes=sizes,
        others=others,
        crowd=crowd,
        beside=beside,
        bus=bus,
        memory=Memory(idle=idle, loaded=loaded, members=max(program.sizes), idle_cpu=idle_cpu),
        large=await large(folder / "large", program.large) if program.large else None,
        names=named,
        took=time.perf_counter() - begun,
    )


async def _beside(ours: Launcher, program: Program) -> crowds.Beside | None:
    return await crowds.small_beside_large(ours, large=program.beside) if program.beside else None


def _say(what: str) -> None:
    sys.stderr.write(f"measuring: {what}\n")
