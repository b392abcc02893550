"""Finding out until when the money of a launch lasts."""

import msgspec

from services.launcher.apply.places import look_up_places
from services.launcher.apply.prices import find_prices
from services.launcher.plan.acceptance import accepted_event
from services.launcher.plan.budgets import budget_of, dearest, within
from services.launcher.plan.ladder import first_chunks
from services.launcher.plan.placement import plan_placement
from services.launcher.ports import World
from spawn.contracts.arrays import Array
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import Budget


async def find_budget(world: World, spec: LaunchSpec) -> Budget | None:
    """Return a launch's budget; None when it has none.

    Raises `Rejected` when it can't be kept, or is not known to be.
    """
    if spec.max_cost is None:
        return None
    places = await look_up_places(world, spec, only_look=True)
    placement = plan_placement(spec, places)
    chunks = first_chunks(spec, size=world.settings.chunk_size)
    prices = await find_prices(world, spec.region, places.types, spot=False)
    cost = dearest(spec, placement, chunks, prices)
    return budget_of(spec, cost, now=world.clock.now())


async def kept_within(world: World, array: Array) -> Array:
    """Return a new array with a lease that its money covers. Raises `Rejected`."""
    budget = await find_budget(world, array.spec)
    if budget is None:
        return array
    after = msgspec.structs.replace(array, lease=within(array.lease, budget))
    return msgspec.structs.replace(after, outbox=(accepted_event(after, array.accepted_at),))
