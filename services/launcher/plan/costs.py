"""What machines cost in an hour, of what is known of prices."""

from collections import Counter
from collections.abc import Iterable, Mapping

from services.launcher.model import Machine, Prices
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member
from spawn.contracts.pools import Market, Pool
from spawn.contracts.prices import Estimate, Quote
from spawn.contracts.ranks import parse_ranks

PAID = frozenset({InstanceState.PENDING, InstanceState.RUNNING})
"""States for which EC2 asks money, but for hibernating ones
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html)."""


def estimate(machines: Iterable[Machine], prices: Prices) -> Estimate:
    """Add up prices; a machine without one leaves the sum unknown, and is named."""
    counted = Counter(machines)
    quotes = {each: prices.quote(each) for each in counted}
    plain = {each: prices.on_demand.get(each.instance_type) for each in counted}
    used = [quote for quote in quotes.values() if quote is not None]
    by_age = sorted(used, key=lambda quote: quote.as_of)
    return Estimate(
        machines=counted.total(),
        spot=sum(n for each, n in counted.items() if each.market is Market.SPOT),
        hourly_usd=_sum(counted, quotes),
        on_demand_usd=_sum(counted, plain),
        unknown=tuple(_name(each) for each, quote in quotes.items() if quote is None),
        sources=tuple(dict.fromkeys(quote.source for quote in by_age)),
        as_of=by_age[0].as_of if by_age else None,
    )


def machines_of(chunks: Iterable[tuple[str, Pool]]) -> tuple[Machine, ...]:
    """Return the machines that chunks, each its ranks and its pool, would make."""
    return tuple(
        Machine(pool.market, pool.instance_type, pool.zone)
        for ranks, pool in chunks
        for _ in parse_ranks(ranks)
    )


def paid_machines(members: Iterable[Member]) -> tuple[Machine, ...]:
    """Return the machines of an array that cost something now, those that leave included."""
    instances = (instance for each in members for instance in each.instances)
    return tuple(
        Machine(each.market, each.instance_type, each.zone)
        for each in instances
        if each.state in PAID
    )


def _sum(counted: Counter[Machine], quotes: Mapping[Machine, Quote | None]) -> float | None:
    total = 0.0
    for machine, count in counted.items():
        quote = quotes[machine]
        if quote is None:
            return None
        total += count * quote.usd
    return round(total, 6)


def _name(machine: Machine) -> str:
    zone = f" {machine.zone}" if machine.market is Market.SPOT else ""
    return f"{machine.market} {machine.instance_type}{zone}"
