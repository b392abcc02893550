"""Prices are found out where they can be, and nothing fails where they can't."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.apply.places import look_up_places
from services.launcher.apply.prices import appraise, find_prices
from services.launcher.handlers.costs import on_cost
from services.launcher.handlers.questions import on_plan
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import API_PLAN, LaunchSpec
from spawn.contracts.pools import Allocation, Market
from spawn.contracts.prices import API_COST, CostRequest, Estimate, PriceSource
from spawn.errors import NotFound, Rejected, Transient
from tests.builders import ARRAY_ID, an_array, an_instance, running
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import Fakes, record

TYPES = ("t3.micro", "m7i.large", "t3.medium")
REFUSED = Rejected("GetProducts: not authorized", code="AccessDeniedException")


@pytest.fixture
async def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
async def world(fakes: Fakes) -> World:
    return fakes.world()


def a_spec(**changes: Any) -> LaunchSpec:
    spec = LaunchSpec(name="web", region=REGION, count=4, instance_types=TYPES)
    return msgspec.structs.replace(spec, **changes)


async def test_the_list_is_asked_once_a_day(fakes: Fakes, world: World) -> None:
    for _ in range(2):
        await find_prices(world, REGION, TYPES, spot=False)
    prices = await find_prices(world, REGION, TYPES, spot=False)
    assert prices.on_demand["t3.micro"].usd == 0.0104
    assert prices.on_demand["t3.micro"].source is PriceSource.LISTED
    assert fakes.aws.pricing().asked == 1
    fakes.clock.move(timedelta(days=1))
    await find_prices(world, REGION, TYPES, spot=False)
    assert fakes.aws.pricing().asked == 2


async def test_without_the_list_the_release_s_prices_stand_in(fakes: Fakes, world: World) -> None:
    fakes.aws.pricing().failure = REFUSED
    prices = await find_prices(world, REGION, ["t3.micro", "t3.gigantic"], spot=False)
    quote = prices.on_demand["t3.micro"]
    assert (quote.usd, quote.source, quote.as_of.year) == (0.0104, PriceSource.SNAPSHOT, 2026)
    assert "t3.gigantic" not in prices.on_demand
    elsewhere = await find_prices(world, "eu-west-1", ["t3.micro"], spot=False)
    assert elsewhere.on_demand == {}


async def test_a_list_that_can_t_be_read_is_left_alone_for_a_while(
    fakes: Fakes, world: World
) -> None:
    fakes.aws.pricing().failure = REFUSED
    for _ in range(3):
        await find_prices(world, REGION, ["t3.micro"], spot=False)
    assert fakes.aws.pricing().asked == 1
    fakes.aws.pricing().failure = None
    fakes.clock.move(timedelta(minutes=11))
    prices = await find_prices(world, REGION, ["t3.micro"], spot=False)
    assert prices.on_demand["t3.micro"].source is PriceSource.LISTED


async def test_spot_prices_are_asked_again_after_a_minute(fakes: Fakes, world: World) -> None:
    first = await find_prices(world, REGION, ["t3.micro"], spot=True)
    assert first.spot["t3.micro", "us-east-1a"].usd == 0.0031
    fakes.aws.ec2(REGION).spot_usd["t3.micro", "us-east-1a"] = 0.005
    kept = await find_prices(world, REGION, ["t3.micro"], spot=True)
    assert kept == first
    fakes.clock.move(timedelta(minutes=1))
    later = await find_prices(world, REGION, ["t3.micro"], spot=True)
    assert later.spot["t3.micro", "us-east-1a"].usd == 0.005


async def test_a_launch_whose_order_needs_neither_asks_for_neither(
    fakes: Fakes, world: World
) -> None:
    places = await look_up_places(world, a_spec(spot=True))
    assert await appraise(world, a_spec(spot=True), places) == places
    assert fakes.aws.pricing().asked == 0


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param(TYPES, {"us-east-1a": 7, "us-east-1b": 3, "us-east-1c": 9}, id="three"),
        pytest.param(TYPES[:2], {}, id="two: AWS's scores would say nothing"),
    ],
)
async def test_scores_are_asked_for_with_three_types(
    world: World, types: tuple[str, ...], expected: dict[str, int]
) -> None:
    spec = a_spec(spot=True, allocation=Allocation.CAPACITY, instance_types=types)
    places = await appraise(world, spec, await look_up_places(world, spec))
    assert places.scores == expected


async def test_a_plan_says_what_it_costs(world: World) -> None:
    spec = a_spec(spot_count=3, instance_types=("t3.micro",))
    plan = await on_plan(Request(body=spec, subject=API_PLAN), world)
    assert [(chunk.ranks, chunk.pool.market) for chunk in plan.chunks] == [
        ("0", Market.ON_DEMAND),
        ("1-3", Market.SPOT),
    ]
    assert plan.hourly_usd == pytest.approx(0.0104 + 3 * 0.0031)
    assert plan.cost is not None
    assert plan.cost.on_demand_usd == pytest.approx(4 * 0.0104)


async def ask(world: World) -> Estimate:
    return await on_cost(Request(body=CostRequest(array_id=ARRAY_ID), subject=API_COST), world)


async def test_an_array_costs_what_its_machines_do(fakes: Fakes, world: World) -> None:
    spot = an_instance(1, state=InstanceState.RUNNING, market=Market.SPOT)
    await record(world, an_array(2, region=REGION), running(0), running(1, instance=spot))
    assert (await ask(world)).hourly_usd == pytest.approx(0.1008 + 0.0403)
    fakes.aws.ec2(REGION).spot_usd.clear()
    fakes.clock.move(timedelta(minutes=2))
    cost = await ask(world)
    assert (cost.hourly_usd, cost.unknown) == (None, ("spot m7i.large us-east-1a",))


async def test_an_array_that_there_is_not_costs_nothing_to_anybody(world: World) -> None:
    with pytest.raises(NotFound):
        await ask(world)


async def test_a_silent_price_list_is_no_failure(fakes: Fakes, world: World) -> None:
    fakes.aws.pricing().failure = Transient("nothing listens there")
    plan = await on_plan(Request(body=a_spec(), subject=API_PLAN), world)
    assert plan.cost is not None
    assert plan.cost.sources == (PriceSource.SNAPSHOT,)
