"""The launcher killed at random instants, in the middle of calls too, again and again."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from tests.faults import claims
from tests.faults.plant import Plant, planted
from tests.faults.scale import FIGURES, TORTURE, side_by_side
from tests.fixtures.sandbox import RunningSandbox

pytestmark = [pytest.mark.fault, pytest.mark.timeout(3000 if TORTURE else 300)]

ARRAYS = 4
SIZE = 5
KILLS = 4
"""In one round: as many as a command may be delivered again without being put aside."""
ROUNDS = 25 if TORTURE else 2
LONGEST = timedelta(seconds=2)


def start(plant: Plant, replica: str) -> None:
    plant.start(replica, chunk_size="2", aws_buckets="RunInstances=100/100")


def random_delays(seed: int) -> Iterator[tuple[timedelta, str]]:
    """Yield how long each launcher lives, and the name of its successor."""
    source = random.Random(seed)
    while True:
        yield LONGEST * source.random(), source.choice("ab")


async def killed_meanwhile(
    plant: Plant, delays: Iterator[tuple[timedelta, str]], *, kills: int
) -> None:
    for _ in range(kills):
        delay, successor = next(delays)
        await plant.bus.clock.sleep(delay)
        await plant.launchers[-1].kill()
        start(plant, successor)


async def one_round(folder: Path, cloud: RunningSandbox, seed: int) -> None:
    delays = random_delays(seed)
    async with planted(folder / f"{seed}", cloud, f"random-{seed}-{folder.name[-8:]}") as plant:
        start(plant, "a")
        ids = [await plant.launch(f"t{number}", SIZE) for number in range(ARRAYS)]
        await killed_meanwhile(plant, delays, kills=KILLS // 2)
        for array_id in ids:
            await plant.until(array_id, "array.ready", "array.failed")
            await claims.check_ready(plant, array_id, size=SIZE)
        async with asyncio.TaskGroup() as group:
            group.create_task(killed_meanwhile(plant, delays, kills=KILLS - KILLS // 2))
            for array_id in ids:
                group.create_task(plant.terminate(array_id))
        for array_id in ids:
            await check_life(plant, array_id)


async def check_life(plant: Plant, array_id: ArrayId) -> None:
    await plant.until(array_id, "array.terminated")
    await claims.check_ended(plant, array_id, size=SIZE, state=ArrayState.TERMINATED)
    await claims.check_tokens(plant, array_id)
    events = await plant.events(array_id)
    claims.check_ids(events)
    assert claims.told(events) == claims.whole_life(SIZE)


async def test_random_kills_change_nothing(tmp_path: Path, cloud: RunningSandbox) -> None:
    rounds = {f"seed {n}": partial(one_round, tmp_path, cloud, n) for n in range(ROUNDS)}
    await side_by_side(rounds)
    FIGURES.append(f"random kills: {ROUNDS * KILLS} in the lives of {ROUNDS * ARRAYS} arrays")
