"""The first step of a launch: where it may run, what its machines boot with, how long it takes."""

from collections.abc import Iterable
from datetime import timedelta

from services.launcher.apply.boot import equip
from services.launcher.apply.places import look_up_places
from services.launcher.apply.prices import appraise
from services.launcher.model import View
from services.launcher.plan.beginning import launching, reject
from services.launcher.plan.ladder import first_chunks
from services.launcher.plan.placement import plan_placement
from services.launcher.plan.settlement import give_up
from services.launcher.ports import World
from spawn.contracts.arrays import Array, Chunk, Placement
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Cause, Conflict, Rejected, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def look_up(world: World, view: View) -> Array | None:
    """Return the array's next record: it launches, or can't; None when nobody knows yet."""
    try:
        placement = await _place(world, view.array)
    except Rejected as rejection:
        # AWS's own refusals name no field of the spec.
        if rejection.cause in {Cause.PERMISSION, Cause.QUOTA} and not rejection.field:
            return give_up(view.array, rejection.code, rejection.message, now=world.clock.now())
        return reject(view.array, rejection, view)
    except Conflict as taken:
        return give_up(view.array, taken.code, taken.message, now=world.clock.now())
    except Transient as delay:
        _log.info("look up again", why=delay.message)
        return None
    chunks = first_chunks(view.array.spec, size=world.settings.chunk_size)
    expected = expected_time(world, view.array.region, chunks)
    return launching(view.array, placement, chunks, expected=expected, now=world.clock.now())


def expected_time(world: World, region: str, chunks: Iterable[Chunk]) -> timedelta:
    """Return how long EC2's rate holds up the calls for these chunks, no others being made."""
    counts = [len(parse_ranks(chunk.ranks)) for chunk in chunks]
    return world.aws.ec2(region).pacer.time_for("RunInstances", counts)


async def _place(world: World, array: Array) -> Placement:
    places = await look_up_places(world, array.spec)
    placement = plan_placement(array.spec, await appraise(world, array.spec, places))
    return await equip(world, array, placement)
