from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Prices
from services.launcher.plan.budgets import (
    MARGIN,
    OVERLAP,
    SHORTEST,
    Dearest,
    budget_of,
    dearest,
    within,
)
from services.launcher.plan.ladder import first_chunks
from spawn.contracts.arrays import Placement
from spawn.contracts.checkpoints import OnRebalance
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import Budget, Lease
from spawn.contracts.pools import Market, Pool
from spawn.contracts.prices import PriceSource, Quote, UnknownCost
from spawn.errors import Rejected
from tests.builders import NOON

POOLS = tuple(
    Pool(market, name, "us-east-1a", "subnet-a")
    for market in (Market.SPOT, Market.ON_DEMAND)
    for name in ("cheap.large", "dear.large")
)
PLACEMENT = Placement(image_id="ami-1", pools=POOLS, security_group_ids=())


def a_quote(usd: float) -> Quote:
    return Quote(usd=usd, source=PriceSource.LISTED, as_of=NOON)


PRICES = Prices(
    on_demand={"cheap.large": a_quote(0.1), "dear.large": a_quote(0.4)},
    spot={
        ("cheap.large", "us-east-1a"): a_quote(0.01),
        ("dear.large", "us-east-1a"): a_quote(0.1),
    },
)


def a_spec(**changes: Any) -> LaunchSpec:
    spec = LaunchSpec(name="training", region="us-east-1", count=10, max_cost=8.0)
    return msgspec.structs.replace(spec, **changes)


def cost_of(spec: LaunchSpec, prices: Prices = PRICES) -> Dearest:
    return dearest(spec, PLACEMENT, first_chunks(spec, size=4), prices)


@pytest.mark.parametrize(
    ("changes", "hourly"),
    [
        pytest.param({}, 4.0, id="on demand: the dearest type"),
        pytest.param({"spot": True, "replace": False}, 4.0, id="spot: no more than on demand"),
        pytest.param(
            {"spot": True, "replace": False, "spot_max_price": 0.2}, 2.0, id="spot: what is bid"
        ),
        pytest.param(
            {"spot": True, "replace": False, "spot_max_price": 0.2, "spot_fallback": True},
            4.0,
            id="fallback: on demand after all",
        ),
        pytest.param(
            {"spot_count": 4, "replace": False, "spot_max_price": 0.2}, 3.2, id="some of each"
        ),
        pytest.param({"spot": True}, 4.0 * OVERLAP, id="replaced: two of a rank for a while"),
        pytest.param({"maintain": True}, 4.0 * OVERLAP, id="maintained: the same"),
        pytest.param(
            {"spot": True, "on_rebalance": OnRebalance.REPLACE, "checkpoint_timeout": "10m"},
            4.0 * (OVERLAP + 0.5),
            id="replaced when in danger: with time to save",
        ),
    ],
)
def test_a_launch_costs_at_most_what_its_dearest_pools_do(
    changes: dict[str, Any], hourly: float
) -> None:
    cost = cost_of(a_spec(**changes))
    assert (cost.hourly_usd, cost.unknown) == (pytest.approx(hourly), ())


def test_money_lasts_until_it_may_be_spent() -> None:
    budget = budget_of(a_spec(), cost_of(a_spec()), now=NOON)
    assert budget == Budget(usd=8.0, begins=NOON, spent_at=NOON + timedelta(hours=2) - MARGIN)
    assert budget is not None
    assert budget.nearly_spent_at == NOON + 0.8 * (timedelta(hours=2) - MARGIN)


@given(
    st.integers(1, 300), st.floats(0.01, 1000), st.floats(0.001, 50), st.booleans(), st.booleans()
)
def test_no_lease_costs_more_than_its_limit(
    count: int, limit: float, price: float, spot: bool, fallback: bool
) -> None:
    prices = Prices(on_demand={"cheap.large": a_quote(price), "dear.large": a_quote(price)})
    spec = a_spec(count=count, max_cost=limit, spot=spot, spot_fallback=spot and fallback)
    cost = cost_of(spec, prices)
    if timedelta(hours=limit / cost.hourly_usd) - MARGIN < SHORTEST:
        with pytest.raises(Rejected):
            budget_of(spec, cost, now=NOON)
        return
    budget = budget_of(spec, cost, now=NOON)
    lease = within(Lease(until=NOON + timedelta(hours=8)), budget)
    hours = (lease.until + MARGIN - NOON) / timedelta(hours=1)
    assert count * price * hours <= limit * 1.000001


def test_a_lease_that_ends_before_is_left_as_it_is() -> None:
    lease = Lease(until=NOON + timedelta(hours=1))
    budget = budget_of(a_spec(), cost_of(a_spec()), now=NOON)
    assert within(lease, budget).until == lease.until
    assert within(lease, budget).budget == budget
    assert within(lease, None) is lease


def test_a_limit_that_is_spent_at_once_is_refused() -> None:
    spec = a_spec(max_cost=0.1)
    with pytest.raises(Rejected, match=r"may cost 4\.0000 an hour") as refused:
        budget_of(spec, cost_of(spec), now=NOON)
    assert refused.value.field == "max_cost"


def test_an_unknown_price_is_refused_unless_it_is_allowed() -> None:
    prices = Prices(on_demand={"cheap.large": a_quote(0.1)})
    with pytest.raises(Rejected, match=r"no price of on-demand dear\.large us-east-1a") as refused:
        budget_of(a_spec(), cost_of(a_spec(), prices), now=NOON)
    assert (refused.value.field, refused.value.code) == ("max_cost", "no-price")
    allowed = a_spec(max_cost_unknown=UnknownCost.ALLOW)
    assert budget_of(allowed, cost_of(allowed, prices), now=NOON) is None


@pytest.mark.parametrize(
    ("count", "named"),
    [
        pytest.param(3, "a, b, c;", id="as many as are shown"),
        pytest.param(5, "a, b, c, 2 more;", id="more than are shown"),
    ],
)
def test_of_many_unknown_prices_some_are_named_and_the_others_counted(
    count: int, named: str
) -> None:
    cost = Dearest(hourly_usd=1.0, unknown=tuple("abcde"[:count]))
    with pytest.raises(Rejected, match=f"there is no price of {named}"):
        budget_of(a_spec(), cost, now=NOON)


def test_a_bid_bounds_what_has_no_price() -> None:
    spec = a_spec(spot=True, replace=False, spot_max_price=0.2)
    cost = cost_of(spec, Prices())
    assert (cost.hourly_usd, cost.unknown) == (pytest.approx(2.0), ())


def test_without_a_limit_there_is_no_budget() -> None:
    assert budget_of(a_spec(max_cost=None), Dearest(hourly_usd=0.0), now=NOON) is None
