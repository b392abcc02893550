"""What a launch may cost at most, and the lease that keeps it within that."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from services.launcher.model import Machine, Prices
from services.launcher.plan.checkpoints import timeout_of
from services.launcher.plan.markets import pools_for
from services.launcher.plan.successions import BUDGET, WINDOW
from spawn.contracts.arrays import Chunk, Placement
from spawn.contracts.checkpoints import OnRebalance
from spawn.contracts.durations import format_duration
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import Budget, Lease
from spawn.contracts.pools import Market, Pool
from spawn.contracts.prices import UnknownCost
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Cause, Rejected

OVERLAP = 1.15
"""What replacing costs more: a member may have three successors in an hour, each of which runs
beside the one before for three minutes at most."""

MARGIN = timedelta(minutes=1)
"""How long machines may go on after their lease, until EC2 shows them going."""

SHORTEST = timedelta(minutes=2)
"""A launch whose money lasts for less is refused: nothing would get done."""


class Dearest(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a launch costs in an hour, wherever its machines come from.

    `unknown` names what has no price, and is then left out of the sum.
    """

    hourly_usd: float
    unknown: tuple[str, ...] = ()


def dearest(
    spec: LaunchSpec, placement: Placement, chunks: Iterable[Chunk], prices: Prices
) -> Dearest:
    """Add up what each chunk costs in the dearest pool that it may be asked of."""
    total, unknown = 0.0, dict[str, None]()
    for chunk in chunks:
        bounds = {pool: _bound(spec, pool, prices) for pool in pools_for(spec, placement, chunk)}
        known = [usd for usd in bounds.values() if usd is not None]
        unknown |= {str(pool): None for pool, usd in bounds.items() if usd is None}
        total += len(parse_ranks(chunk.ranks)) * max(known, default=0.0)
    return Dearest(hourly_usd=total * _overlap(spec), unknown=tuple(unknown))


def budget_of(spec: LaunchSpec, cost: Dearest, *, now: datetime) -> Budget | None:
    """Return until when a launch's money lasts; None when it has no limit, or no known price.

    Raises `Rejected` when it lasts for next to nothing, or when an unknown price is not allowed.
    """
    if spec.max_cost is None:
        return None
    if cost.unknown:
        if spec.max_cost_unknown is UnknownCost.ALLOW:
            return None
        raise _no_price(cost.unknown)
    lasts = timedelta(hours=min(spec.max_cost / cost.hourly_usd, _LONGEST)) - MARGIN
    if lasts < SHORTEST:
        raise Rejected(
            f"max_cost={spec.max_cost}: the launch may cost {cost.hourly_usd:.4f} an hour, so that"
            f" it lasts for less than {format_duration(SHORTEST)}; allow more, or launch less",
            field="max_cost",
            cause=Cause.INVALID,
        )
    return Budget(usd=spec.max_cost, begins=now, spent_at=now + lasts)


def within(lease: Lease, budget: Budget | None) -> Lease:
    """Return the lease as far as the money lasts."""
    if budget is None:
        return lease
    return Lease(until=min(lease.until, budget.spent_at), action=lease.action, budget=budget)


_LONGEST = 24.0 * 366
"""Hours: money that lasts longer lasts longer than any lease."""

_SHOWN = 3


def _bound(spec: LaunchSpec, pool: Pool, prices: Prices) -> float | None:
    """Return what a machine of a pool costs at most.

    Spot never costs more than was bid, which is the on-demand price unless said otherwise
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html).
    """
    if pool.market is Market.SPOT and spec.spot_max_price is not None:
        return spec.spot_max_price
    quote = prices.quote(Machine(Market.ON_DEMAND, pool.instance_type, pool.zone))
    return None if quote is None else quote.usd


def _overlap(spec: LaunchSpec) -> float:
    may_replace = spec.maintain or (spec.uses_spot and spec.replace is not False)
    if not may_replace:
        return 1.0
    if spec.on_rebalance is not OnRebalance.REPLACE:
        return OVERLAP
    # One that nobody takes away may save its work for as long as it likes.
    return OVERLAP + BUDGET * (timeout_of(spec) / WINDOW)


def _no_price(unknown: tuple[str, ...]) -> Rejected:
    named = ", ".join(_named(unknown))
    return Rejected(
        f"max_cost: there is no price of {named}; launch with --max-cost-unknown allow and no"
        " limit, or use types that have a price",
        field="max_cost",
        code="no-price",
    )


def _named(unknown: tuple[str, ...]) -> Iterator[str]:
    yield from unknown[:_SHOWN]
    if len(unknown) > _SHOWN:
        yield f"{len(unknown) - _SHOWN} more"
