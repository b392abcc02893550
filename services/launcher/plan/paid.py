"""Who has how many instances that are paid for, and what they cost in an hour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from services.launcher.model import Machine, Prices
from services.launcher.plan.costs import PAID
from spawn.contracts.instances import Instance

MOST_OWNERS = 20
"""Owners that are named in a metric; the others are one together, or its size had no bound."""

OTHERS = "others"


def count_paid(held: Iterable[tuple[str, Instance]]) -> Counter[tuple[str, str]]:
    """Count instances by owner and market; `held` are pairs of owner and instance."""
    paid = [(owner, each.market.value) for owner, each in held if each.state in PAID]
    shown = _shown(owner for owner, _ in paid)
    return Counter((shown[owner], market) for owner, market in paid)


def add_costs(
    held: Iterable[tuple[str, str, Machine]], prices: Mapping[str, Prices]
) -> tuple[dict[str, float], int]:
    """Return US dollars an hour by owner, and how many machines have no price.

    `held` are owner, region and machine; `prices` are by region.
    """
    held = list(held)
    shown = _shown(owner for owner, _, _ in held)
    costs: dict[str, float] = defaultdict(float)
    unpriced = 0
    for owner, region, machine in held:
        quote = prices[region].quote(machine)
        costs[shown[owner]] += 0.0 if quote is None else quote.usd
        unpriced += quote is None
    return dict(costs), unpriced


def _shown(owners: Iterable[str]) -> dict[str, str]:
    """Return the name under which each owner is shown: his own, of the largest ones."""
    counted = Counter(owners)
    ranked = sorted(counted, key=lambda owner: (-counted[owner], owner))
    return {owner: owner if n < MOST_OWNERS else OTHERS for n, owner in enumerate(ranked)}
