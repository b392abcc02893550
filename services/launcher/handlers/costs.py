"""What an array, or a launch, costs in an hour."""

from services.launcher.apply.prices import find_prices
from services.launcher.model import Machine
from services.launcher.plan.costs import estimate, machines_of, paid_machines
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.launches import LaunchPlan
from spawn.contracts.pools import Market
from spawn.contracts.prices import CostRequest, Estimate
from spawn.errors import NotFound


async def on_cost(request: Request[CostRequest], world: World) -> Estimate:
    """Say what the machines that an array has now cost. Raises `NotFound` without the array."""
    entry = world.fleet.array(request.body.array_id)
    if entry is None:
        raise NotFound(f"there is no array {request.body.array_id}")
    members = world.fleet.members(entry.value.id).values()
    return await cost_of(world, entry.value.region, paid_machines(members))


async def cost_of_plan(world: World, plan: LaunchPlan) -> Estimate:
    """Say what a launch costs when the first pool of every chunk has room."""
    machines = machines_of((chunk.ranks, chunk.pool) for chunk in plan.chunks)
    return await cost_of(world, plan.region, machines)


async def cost_of(world: World, region: str, machines: tuple[Machine, ...]) -> Estimate:
    """Add up what machines cost at the prices of now."""
    types = {each.instance_type for each in machines}
    spot = any(each.market is Market.SPOT for each in machines)
    return estimate(machines, await find_prices(world, region, types, spot=spot))
