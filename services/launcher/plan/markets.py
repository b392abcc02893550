"""Which members are asked of which market, and in which order its pools are tried."""

from collections.abc import Iterable
from typing import assert_never

from services.launcher.model import Machine, Places
from spawn.contracts.arrays import Array, Chunk, Placement
from spawn.contracts.instances import Instance
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import FEWEST_SCORED, Allocation, Market, Pool
from spawn.contracts.ranks import parse_ranks

_NO_PRICE = float("inf")


def market_of(spec: LaunchSpec, rank: int) -> Market:
    """Return the market that a member is asked of: the last ranks of spot, if any.

    Rank 0, where the members of a job meet, is thus the last to be interrupted.
    """
    return Market.SPOT if rank >= spec.count - spec.spot_size else Market.ON_DEMAND


def ranks_by_market(spec: LaunchSpec) -> tuple[range, ...]:
    """Cut the ranks of a launch where the market changes; no call asks two of them."""
    first_spot = spec.count - spec.spot_size
    return tuple(part for part in (range(first_spot), range(first_spot, spec.count)) if part)


def markets_for(spec: LaunchSpec, chunk: Chunk) -> tuple[Market, ...]:
    """Return the markets that a chunk may be asked of, in order.

    One that holds a member that is to be on demand is asked on demand alone.
    """
    kinds = {market_of(spec, rank) for rank in parse_ranks(chunk.ranks)}
    if Market.ON_DEMAND in kinds:
        return (Market.ON_DEMAND,)
    return (Market.SPOT, Market.ON_DEMAND) if spec.spot_fallback else (Market.SPOT,)


def pools_for(spec: LaunchSpec, placement: Placement, chunk: Chunk) -> tuple[Pool, ...]:
    """Return the pools that a chunk may be asked of, in order."""
    return tuple(
        pool
        for market in markets_for(spec, chunk)
        for pool in placement.pools
        if pool.market is market
    )


def pool_of(instance: Instance) -> Pool:
    """Return the pool that an instance is of."""
    return Pool(instance.market, instance.instance_type, instance.zone, instance.subnet_id)


def pools_left(array: Array, instances: Iterable[Instance]) -> tuple[Pool, ...]:
    """Return the pools of a launch that instances were lost from."""
    left = {(each.market, each.instance_type, each.zone) for each in instances}
    pools = array.placement.pools if array.placement else ()
    return tuple(each for each in pools if (each.market, each.instance_type, each.zone) in left)


def first_pool(spec: LaunchSpec, placement: Placement, chunk: Chunk) -> Pool:
    """Return the pool that a chunk is asked of when none has refused anything."""
    return pools_for(spec, placement, chunk)[0]


def wanted_markets(spec: LaunchSpec) -> tuple[Market, ...]:
    """Return the markets of which a launch may ask anything, in order."""
    on_demand = spec.spot_size < spec.count or spec.spot_fallback
    both = ((Market.SPOT, spec.uses_spot), (Market.ON_DEMAND, on_demand))
    return tuple(market for market, is_wanted in both if is_wanted)


def can_do_without(spec: LaunchSpec, market: Market) -> bool:
    """Say whether a launch can be made without a pool of a market that it wants."""
    return market is Market.SPOT and spec.spot_fallback


def wants_prices(spec: LaunchSpec) -> bool:
    """Say whether prices are to order the pools."""
    return spec.allocation is Allocation.LOWEST_PRICE


def wants_scores(spec: LaunchSpec) -> bool:
    """Say whether AWS's scores are to order the zones, and have something to say."""
    enough = len(spec.instance_types) >= FEWEST_SCORED
    return spec.uses_spot and enough and spec.allocation is Allocation.CAPACITY


def in_order(spec: LaunchSpec, places: Places, pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Order pools of one market by the allocation; what it doesn't tell apart stays as it is.

    A pool without a price comes behind those that have one.
    """
    match spec.allocation:
        case Allocation.LOWEST_PRICE:
            return tuple(sorted(pools, key=lambda pool: _price(places, pool)))
        case Allocation.CAPACITY:
            return tuple(sorted(pools, key=lambda pool: -_score(places, pool)))
        case Allocation.PRIORITIZED:
            return tuple(pools)
        case _:
            assert_never(spec.allocation)


def _price(places: Places, pool: Pool) -> float:
    quote = places.prices.quote(Machine(pool.market, pool.instance_type, pool.zone))
    return _NO_PRICE if quote is None else quote.usd


def _score(places: Places, pool: Pool) -> int:
    return places.scores.get(pool.zone, 0) if pool.market is Market.SPOT else 0
