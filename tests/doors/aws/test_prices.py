"""What machines cost, and where spot is said to be had: one suite on the fake and the laptop."""

import pytest

from spawn.clock import SystemClock
from spawn.contracts.pools import Market
from spawn.contracts.prices import PriceSource
from spawn.errors import Cause, Transient
from tests.doors.aws.conftest import REGION, Faithful

pytestmark = pytest.mark.door

TYPES = ("t3.micro", "t3.medium", "m7i.large")


async def test_a_type_has_the_price_of_aws_s_list(faithful: Faithful) -> None:
    prices = await faithful.aws.pricing().on_demand(REGION, ["t3.micro", "m7i.large", "t3.micro"])
    assert prices == {"t3.micro": 0.0104, "m7i.large": 0.1008}


async def test_what_the_list_does_not_have_is_left_out(faithful: Faithful) -> None:
    assert await faithful.aws.pricing().on_demand(REGION, ["t3.gigantic"]) == {}
    assert await faithful.aws.pricing().on_demand("ap-southeast-3", ["t3.micro"]) == {}
    assert await faithful.aws.pricing().on_demand(REGION, []) == {}


async def test_spot_prices_are_those_of_now(faithful: Faithful) -> None:
    now = SystemClock().now()
    prices = await faithful.ec2.spot_prices(["t3.micro", "t3.gigantic"], now=now)
    zones = await faithful.ec2.available_zones()
    assert prices
    for (name, zone), quote in prices.items():
        assert name == "t3.micro"
        assert zone in zones
        assert 0 < quote.usd < 0.0104
        assert (quote.source, quote.as_of) == (PriceSource.LIVE, now)


async def test_scores_are_of_the_region_s_zones(faithful: Faithful) -> None:
    scores = await faithful.ec2.placement_scores(TYPES, count=4, region=REGION)
    subnets = await faithful.ec2.default_subnets()
    assert scores
    assert set(scores) & {subnet.zone_id for subnet in subnets}
    assert all(1 <= score <= 10 for score in scores.values())


async def test_a_bid_below_the_price_finds_no_capacity(faithful: Faithful) -> None:
    subnet = next(
        each for each in await faithful.ec2.default_subnets() if each.zone == "us-east-1a"
    )
    request = faithful.request(market=Market.SPOT, subnet_id=subnet.id, max_price="0.000100")
    with pytest.raises(Transient) as refused:
        await faithful.ec2.run_instances(request)
    assert (refused.value.code, refused.value.cause) == ("SpotMaxPriceTooLow", Cause.CAPACITY)


async def test_a_bid_above_the_price_is_taken(faithful: Faithful) -> None:
    subnet = next(
        each for each in await faithful.ec2.default_subnets() if each.zone == "us-east-1a"
    )
    request = faithful.request(market=Market.SPOT, subnet_id=subnet.id, max_price="0.010400")
    (made,) = await faithful.ec2.run_instances(request)
    assert made.instance.market is Market.SPOT
    await faithful.ec2.terminate_instances([made.instance.id])
