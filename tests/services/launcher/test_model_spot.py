"""What launchers make of spot that is gone, scarce, or too dear."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.launcher.model import Prices
from services.launcher.plan.costs import estimate, paid_machines
from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import ArrayFailed
from spawn.contracts.ids import ArrayId
from spawn.contracts.pools import Market
from spawn.contracts.prices import PriceSource, Quote
from tests.builders import NOON
from tests.fakes.ec2 import ZONES
from tests.services.launcher.model.plane import Plane

A_WHILE = 60.0
TYPE = "t3.micro"
SPOT, PLAIN = Market.SPOT, Market.ON_DEMAND
PRICES = Prices(on_demand={TYPE: Quote(usd=0.01, source=PriceSource.LISTED, as_of=NOON)})


@pytest.fixture
def plane() -> Iterator[Plane]:
    plane = Plane()
    try:
        yield plane
    finally:
        plane.close()


def leave(plane: Plane, market: Market, *free: int) -> None:
    """Leave so many places in each zone of a market."""
    for zone, places in zip(ZONES, free, strict=True):
        plane.ec2.weather.capacity[market, TYPE, zone] = places


def markets_of(plane: Plane, array: ArrayId) -> list[Market]:
    members = sorted(plane.members(array), key=lambda each: each.rank)
    return [each.instance.market for each in members if not each.is_over]


def launch(plane: Plane, **spec: Any) -> ArrayId:
    plane.start("a")
    array = plane.launch(count=4, instance_types=(TYPE,), **spec)
    plane.run(A_WHILE)
    return array


def test_spot_is_taken_from_zone_after_zone(plane: Plane) -> None:
    leave(plane, SPOT, 1, 0, 3)
    array = launch(plane, spot=True)
    assert plane.state(array) is ArrayState.READY
    assert markets_of(plane, array) == [SPOT] * 4


def test_where_spot_is_gone_on_demand_fills_and_the_bill_says_so(plane: Plane) -> None:
    leave(plane, SPOT, 1, 0, 0)
    array = launch(plane, spot=True, spot_fallback=True)
    assert plane.state(array) is ArrayState.READY
    assert sorted(markets_of(plane, array)) == sorted([SPOT, PLAIN, PLAIN, PLAIN])
    cost = estimate(paid_machines(plane.members(array)), PRICES)
    assert (cost.machines, cost.spot, cost.on_demand_usd) == (4, 1, 0.04)


def test_without_fallback_it_fails_with_a_reason_for_each_pool(plane: Plane) -> None:
    leave(plane, SPOT, 0, 0, 0)
    array = launch(plane, spot=True)
    assert plane.state(array) is ArrayState.FAILED
    failed = plane.told(array)[-1].data
    assert isinstance(failed, ArrayFailed)
    assert {each.pool.zone for each in failed.refusals} == set(ZONES)
    assert {each.pool.market for each in failed.refusals} == {SPOT}
    assert "--spot-fallback" in failed.reason
    assert plane.ec2.living() == []


def test_without_fallback_it_is_smaller_where_that_suffices(plane: Plane) -> None:
    leave(plane, SPOT, 1, 1, 0)
    array = launch(plane, spot=True, min_count=2)
    assert plane.state(array) is ArrayState.READY
    assert markets_of(plane, array) == [SPOT, SPOT]


def test_some_are_on_spot_and_rank_0_never_is(plane: Plane) -> None:
    leave(plane, SPOT, 1, 1, 1)
    array = launch(plane, spot_count=3)
    assert markets_of(plane, array) == [PLAIN, SPOT, SPOT, SPOT]


def test_scarce_on_demand_is_not_made_up_for_by_spot(plane: Plane) -> None:
    leave(plane, PLAIN, 0, 0, 0)
    array = launch(plane, spot_count=3)
    assert plane.state(array) is ArrayState.FAILED
    assert plane.ec2.living() == []


def test_a_bid_goes_to_the_pools_that_cost_less(plane: Plane) -> None:
    plane.ec2.spot_usd = dict(
        zip(((TYPE, zone) for zone in ZONES), (0.009, 0.008, 0.002), strict=True)
    )
    array = launch(plane, spot=True, spot_max_price=0.003)
    assert plane.state(array) is ArrayState.READY
    assert {each.instance.zone for each in plane.members(array)} == {ZONES[2]}
