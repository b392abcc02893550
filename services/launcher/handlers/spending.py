"""Measuring what is being spent just now."""

from collections import defaultdict

from services.launcher import metrics
from services.launcher.apply.prices import find_prices
from services.launcher.model import Machine
from services.launcher.plan.costs import paid_machines
from services.launcher.plan.paid import add_costs
from services.launcher.ports import World
from spawn.contracts.pools import Market
from spawn.telemetry.metrics import replace


async def measure_costs(world: World) -> None:
    """Set the gauges of money, at the prices of now."""
    held: list[tuple[str, str, Machine]] = []
    by_region: dict[str, set[Machine]] = defaultdict(set)
    for array in world.fleet.arrays().values():
        for machine in paid_machines(world.fleet.members(array.id).values()):
            held.append((array.owner, array.region, machine))
            by_region[array.region].add(machine)
    prices = {
        region: await find_prices(
            world,
            region,
            {each.instance_type for each in machines},
            spot=any(each.market is Market.SPOT for each in machines),
        )
        for region, machines in by_region.items()
    }
    costs, unpriced = add_costs(held, prices)
    replace(metrics.COST, {(owner,): usd for owner, usd in costs.items()})
    metrics.UNPRICED.set(unpriced)
