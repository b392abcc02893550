"""What is measured, in order."""

import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench import arrays, crowds
from tests.bench.grants import grants
from tests.bench.jobs import jobs, weather
from tests.bench.large import large
from tests.bench.leases import leases
from tests.bench.machine import at_the_end
from tests.bench.names import names
from tests.bench.notices import burst
from tests.bench.ours import Launcher, launcher
from tests.bench.plane import control
from tests.bench.rates import rates
from tests.bench.results import (
    Beside,
    Burst,
    Crowd,
    Ensured,
    Jobs,
    Machine,
    Memory,
    Other,
    Report,
    Size,
)
from tests.bench.startup import startup
from tests.fixtures.jobs import set_machines


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each is measured. `large` and `beside` of 0 leave it out."""

    quick: bool
    hasty: bool
    """Whether instances boot and end in less than a second, instead of in 2."""
    idle: timedelta
    """For how long it is watched when all is over."""
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
    meeting: int
    proofs: int
    lines: int
    burst: tuple[int, int]
    """How many spot arrays of what size are warned of at once."""
    storm: tuple[int, int] | None
    """How many members a spot array has, and how many of them are taken back within 5 s."""
    names: int
    """Members that are named; they arrive over 30 s in a full run."""
    leases: int
    """Leases that end, once over 20 s and once together; 0 leaves them out."""


FULL = Program(
    quick=False,
    hasty=False,
    idle=timedelta(seconds=5),
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
    meeting=1000,
    proofs=200,
    lines=500_000,
    burst=(20, 50),
    storm=(200, 60),
    names=1000,
    leases=20_000,
)

QUICK = Program(
    quick=True,
    hasty=True,
    idle=timedelta(seconds=0.5),
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
    meeting=20,
    proofs=4,
    lines=5000,
    burst=(2, 10),
    storm=None,
    names=50,
    leases=0,
)


_LEAD = timedelta(seconds=120)
"""In which all leases are surely set."""


class _Launches(NamedTuple):
    sizes: list[Size]
    others: list[Other]
    crowd: Crowd
    beside: Beside | None
    memory: Memory
    grants: list[Ensured]
    burst: Burst


async def measure(program: Program, folder: Path, here: Machine, *, begun: float) -> Report:
    """Measure everything; `begun` is when, by `time.perf_counter`."""
    _say("commands")
    started = await startup(folder, runs=program.starts)
    _say("bus")
    bus = await rates(folder, count=program.messages, rounds=program.rounds)
    async with _started(folder / "home", machines=program.quick) as ours:
        launched = await _launches(ours, program)
        done = await _jobs(ours, program, folder) if program.quick else None
    if done is None:
        async with _started(folder / "machines", machines=True) as ours:
            done = await _jobs(ours, program, folder)
    _say("names")
    arriving = timedelta(seconds=3 if program.quick else 30)
    named = await names(
        folder / "names", size=program.names, arriving=arriving, upserts=program.names // 10
    )
    _say("leases")
    ended = await leases(program.leases, lead=_LEAD) if program.leases else []
    _say("a large array")
    return Report(
        machine=at_the_end(here),
        runs=program.runs,
        quick=program.quick,
        startup=started,
        sizes=launched.sizes,
        others=launched.others,
        crowd=launched.crowd,
        beside=launched.beside,
        bus=bus,
        memory=launched.memory,
        grants=launched.grants,
        large=await large(folder / "large", program.large) if program.large else None,
        jobs=done,
        names=named,
        burst=launched.burst,
        leases=ended,
        took=time.perf_counter() - begun,
    )


@asynccontextmanager
async def _started(home: Path, *, machines: bool) -> AsyncGenerator[Launcher]:
    async with control(home, machines=machines) as plane, launcher(plane) as ours:
        yield ours


async def _launches(ours: Launcher, program: Program) -> _Launches:
    plane = ours.control
    await set_machines(plane.plane, "off")
    idle = plane.memory()
    if program.hasty:
        plane.cloud.hasten(boot=0.5, end=0.2)
    _say("grants")
    granted = await grants(plane, runs=program.runs)
    _say("arrays")
    sizes = await arrays.sizes(ours, program.sizes, runs=program.runs)
    loaded, idle_cpu = plane.memory(), await plane.share(program.idle)
    _say("other ways")
    others = await arrays.others(ours, program.others, within=program.patience)
    _say("many arrays")
    many, size = program.crowd
    crowd = await crowds.crowd(ours, arrays=many, size=size)
    _say("warnings")
    warned = await burst(ours, arrays=program.burst[0], size=program.burst[1])
    large = program.beside
    beside = await crowds.small_beside_large(ours, large=large) if large else None
    memory = Memory(idle=idle, loaded=loaded, members=max(program.sizes), idle_cpu=idle_cpu)
    return _Launches(sizes, others, crowd, beside, memory, granted, warned)


async def _jobs(ours: Launcher, program: Program, folder: Path) -> Jobs:
    _say("machines and jobs")
    done = await jobs(
        ours, folder, members=program.meeting, machines=program.proofs, lines=program.lines
    )
    if program.storm is None:
        return done
    _say("a storm")
    members, lost = program.storm
    storm = await weather(ours, folder / "storm", members=members, lost=lost)
    return msgspec.structs.replace(done, storm=storm)


def _say(what: str) -> None:
    sys.stderr.write(f"measuring: {what}\n")
