"""What an estimate of costs is in words: 'unknown' wherever a price is."""

from spawn.contracts.prices import Estimate, PriceSource

_MOST_NAMED = 3
"""Machines without a price that are named; a line is read."""


def price_of(cost: Estimate | None) -> str:
    """Write the price of an hour in US dollars, or 'unknown'."""
    if cost is None or cost.hourly_usd is None:
        return "unknown"
    return f"{cost.hourly_usd:.4f}"


def details_of(cost: Estimate | None) -> str:
    """Write what spot saves, how old the prices are, and what has none; often nothing."""
    if cost is None:
        return ""
    return "; ".join(filter(None, (_savings(cost), _age(cost), _unknown(cost))))


def with_details(cost: Estimate | None) -> str:
    """Write the price with all that is to be said of it."""
    details = details_of(cost)
    return f"$/h {price_of(cost)} ({details})" if details else f"$/h {price_of(cost)}"


def _savings(cost: Estimate) -> str:
    saved = cost.savings
    if saved is None or cost.on_demand_usd is None:
        return ""
    verb = f"saves {saved:.0%} of" if saved >= 0 else f"costs {-saved:.0%} more than"
    return f"spot {verb} {cost.on_demand_usd:.4f} on demand"


def _age(cost: Estimate) -> str:
    if PriceSource.SNAPSHOT not in cost.sources or cost.as_of is None:
        return ""
    return f"at prices of {cost.as_of:%Y-%m-%d}"


def _unknown(cost: Estimate) -> str:
    if not cost.unknown:
        return ""
    more = len(cost.unknown) - _MOST_NAMED
    named = ", ".join(cost.unknown[:_MOST_NAMED])
    return f"no price of {named}{f' and {more} more' if more > 0 else ''}"
