"""How long a small array takes alone, and beside a large launch: for the tests and the bench."""

from dataclasses import dataclass
from datetime import timedelta

from spawn.contracts.ids import ArrayId
from tests.faults.plant import Plant


@dataclass(frozen=True)
class Fairness:
    """Times from accepted to ready, and whether the large array was still being launched then."""

    alone: timedelta
    beside: timedelta
    large: timedelta
    was_first: bool

    @property
    def delay(self) -> timedelta:
        return self.beside - self.alone


async def measure(plant: Plant, *, large: int = 1000) -> Fairness:
    """Launch one alone, then one while a large array is being launched; end them again."""
    alone = await plant.launch("alone")
    await plant.until(alone, "array.ready")
    big = await plant.launch("large", large)
    await plant.until(big, "instance.launched")
    beside = await plant.launch("beside")
    await plant.until(beside, "array.ready")
    await plant.until(big, "array.ready")
    order = [event.array_id for event in await plant.events() if event.name == "array.ready"]
    measured = Fairness(
        alone=await time_to_ready(plant, alone),
        beside=await time_to_ready(plant, beside),
        large=await time_to_ready(plant, big),
        was_first=order.index(beside) < order.index(big),
    )
    for array_id in (alone, beside, big):
        await plant.terminate(array_id)
        await plant.until(array_id, "array.terminated")
    return measured


async def time_to_ready(plant: Plant, array_id: ArrayId) -> timedelta:
    """Return the time that a ready array took, by its own record."""
    array = await plant.array(array_id)
    assert array.ready_at is not None
    return array.ready_at - array.accepted_at
