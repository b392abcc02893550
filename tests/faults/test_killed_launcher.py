"""The launcher killed before and after its n-th door call, in the life of an array of 3 chunks."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from spawn.contracts.arrays import ArrayState
from tests.faults import claims
from tests.faults.counting import Kill, When
from tests.faults.plant import Plant, planted
from tests.faults.scale import FIGURES, TORTURE, side_by_side
from tests.fixtures.sandbox import RunningSandbox

pytestmark = [pytest.mark.fault, pytest.mark.timeout(3000 if TORTURE else 300)]

SIZE = 6
CHUNK_SIZE = "2"
EVERY = 1 if TORTURE else 11
DELICATE = ("ec2.run_instances", "events.publish array.ready", "events.publish array.terminated")


async def live_and_end(plant: Plant, *, successor: str, kill: Kill | None) -> list[str]:
    """Launch, wait, terminate; start the successor when the first launcher is dead.

    Returns the door calls of the first launcher.
    """
    first = plant.start("a", kill=kill, chunk_size=CHUNK_SIZE)
    async with succeeded(plant, successor):
        array_id = await plant.launch("t", SIZE)
        await plant.until(array_id, "array.ready", "array.failed")
        await claims.check_ready(plant, array_id, size=SIZE)
        await plant.terminate(array_id)
        await plant.until(array_id, "array.terminated")
        await plant.until_freed("t")
        calls = first.calls()
        await claims.check_ended(plant, array_id, size=SIZE, state=ArrayState.TERMINATED)
        await claims.check_tokens(plant, array_id)
        events = await plant.events(array_id)
        claims.check_ids(events)
        assert claims.told(events) == claims.whole_life(SIZE)
    return calls


@asynccontextmanager
async def succeeded(plant: Plant, successor: str) -> AsyncGenerator[None]:
    async def succeed() -> None:
        await plant.launchers[0].ended()
        plant.start(successor, chunk_size=CHUNK_SIZE)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(succeed())
        yield
        waiting.cancel()


def sample(calls: list[str], when: When, *, seed: str) -> dict[str, Kill]:
    """Choose every n-th call, and those after which nothing else would wake a successor."""
    spread = range(random.Random(seed).randrange(EVERY), len(calls), EVERY)
    return {
        **{f"{when} call {n + 1} ({calls[n]})": Kill(n + 1, when) for n in spread},
        **{f"{when} {call}": Kill(1, when, call) for call in DELICATE},
    }


async def count_calls(folder: Path, cloud: RunningSandbox) -> list[str]:
    async with planted(folder, cloud, f"counted-{uuid4().hex[:8]}") as plant:
        return await live_and_end(plant, successor="a", kill=None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(tmp_path_factory: pytest.TempPathFactory, cloud: RunningSandbox) -> list[str]:
    """The door calls of a life in which nothing happens."""
    return await count_calls(tmp_path_factory.mktemp("counted") / "plant", cloud)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("successor", ["a", "b"], ids=["restarted", "taken-over"])
async def test_a_kill_at_any_door_call_changes_nothing(
    tmp_path: Path, cloud: RunningSandbox, calls: list[str], when: When, successor: str
) -> None:
    kills = sample(calls, when, seed=f"{when}{successor}")
    died: Counter[bool] = Counter()

    async def one(number: int, kill: Kill) -> None:
        name = f"{when}-{successor}-{number}"
        async with planted(tmp_path / name, cloud, name) as plant:
            await live_and_end(plant, successor=successor, kill=kill)
            died[len(plant.launchers) > 1] += 1

    await side_by_side(
        {name: partial(one, n, kill) for n, (name, kill) in enumerate(kills.items())}
    )
    FIGURES.append(
        f"killed {when} a door call, {'restarted' if successor == 'a' else 'taken over'}:"
        f" {len(kills)} kills tried in a life of {len(calls)} calls, {died[True]} done"
    )
    # A life on a busy machine has fewer calls than the one that was counted.
    assert died[True] > len(kills) * 0.6


def test_the_doors_of_a_life_are_counted(calls: list[str]) -> None:
    counts = Counter(calls)
    doors = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    FIGURES.append(f"door calls in the life of 3 chunks: {counts.total()} ({doors})")
    assert counts["ec2.run_instances"] == 3
    assert counts["members.create"] == SIZE
