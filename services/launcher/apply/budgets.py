"""Finding out until when the money of a launch lasts."""

from collections.abc import Collection

import msgspec

from services.launcher.apply.places import look_up_places
from services.launcher.apply.prices import find_prices
from services.launcher.plan.acceptance import accepted_event
from services.launcher.plan.budgets import budget_of, dearest, within
from services.launcher.plan.ladder import first_chunks
from services.launcher.plan.placement import plan_placement
from services.launcher.ports import World
from spawn.contracts.arrays import Array, Chunk, Placement
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import Budget


async def find_budget(
    world: World, spec: LaunchSpec, placement: Placement, chunks: Collection[Chunk]
) -> Budget | None:
    """Return the budget of a launch that asks for these; None when it has none.

    Raises `Rejected` when it can't be kept, or is not known to be.
    """
    if spec.max_cost is None:
        return None
    types = {pool.instance_type for pool in placement.pools}
    prices = await find_prices(world, spec.region, types, spot=False)
    cost = dearest(spec, placement, chunks, prices)
    return budget_of(spec, cost, now=world.clock.now())


async def kept_within(world: World, array: Array) -> Array:
    """Return a new array with a lease that its money covers. Raises `Rejected`."""
    spec = array.spec
    if spec.max_cost is None:
        return array
    placement = plan_placement(spec, await look_up_places(world, spec, only_look=True))
    chunks = first_chunks(spec, size=world.settings.chunk_size)
    lease = within(array.lease, await find_budget(world, spec, placement, chunks))
    after = msgspec.structs.replace(array, lease=lease)
    return msgspec.structs.replace(after, outbox=(accepted_event(after, array.accepted_at),))
