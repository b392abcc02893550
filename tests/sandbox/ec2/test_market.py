from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.behaviour import SpotPrice, ZoneScore
from sandbox.ec2.market import SpotMarket

NOON = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
TYPE, ZONE = "m7i.large", "us-east-1a"
ON_DEMAND = 0.1008


@given(st.integers(0, 2000))
def test_spot_costs_less_than_on_demand_at_any_hour(hours: int) -> None:
    price = SpotMarket().price(TYPE, ZONE, NOON + timedelta(hours=hours))
    assert price is not None
    assert 0.2 * ON_DEMAND < price < 0.6 * ON_DEMAND


def test_a_price_changes_with_the_hour_and_not_within_it() -> None:
    market = SpotMarket()
    prices = [market.price(TYPE, ZONE, NOON + timedelta(minutes=m)) for m in (0, 29, 31, 400)]
    assert prices[0] == prices[1] != prices[2]
    assert len(set(prices)) == 3


def test_zones_have_prices_of_their_own() -> None:
    market = SpotMarket()
    assert market.price(TYPE, "us-east-1b", NOON) != market.price(TYPE, ZONE, NOON)


def test_a_type_that_nobody_knows_has_no_price() -> None:
    assert SpotMarket().price("x1.huge", ZONE, NOON) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(SpotPrice(usd=9.0), 9.0, id="every pool"),
        pytest.param(SpotPrice(usd=9.0, instance_type=TYPE, zone=ZONE), 9.0, id="this pool"),
        pytest.param(SpotPrice(usd=9.0, zone="us-east-1b"), None, id="another zone"),
        pytest.param(SpotPrice(usd=9.0, instance_type="t3.micro"), None, id="another type"),
    ],
)
def test_a_scenario_sets_prices(rule: SpotPrice, expected: float | None) -> None:
    market = SpotMarket()
    usual = market.price(TYPE, ZONE, NOON)
    market.set_price(rule)
    assert market.price(TYPE, ZONE, NOON) == (expected or usual)
    market.clear()
    assert market.price(TYPE, ZONE, NOON) == usual


def test_a_later_score_goes_before_an_earlier_one() -> None:
    market = SpotMarket()
    assert market.score("us-east-1d") == 9
    market.set_score(ZoneScore(score=2))
    market.set_score(ZoneScore(score=4, zone=ZONE))
    assert (market.score(ZONE), market.score("us-east-1d")) == (4, 2)
