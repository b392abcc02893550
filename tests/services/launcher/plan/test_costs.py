from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Machine, Prices
from services.launcher.plan.costs import estimate, machines_of, paid_machines
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Former
from spawn.contracts.pools import Market, Pool
from spawn.contracts.prices import Estimate, PriceSource, Quote
from tests.builders import NOON, POOL_A, a_member, an_instance, lost, running

A, B = "us-east-1a", "us-east-1b"
SPOT = Machine(Market.SPOT, "m7i.large", A)
PLAIN = Machine(Market.ON_DEMAND, "m7i.large", A)
OLD = NOON - timedelta(days=100)
PRICES = Prices(
    on_demand={"m7i.large": Quote(usd=0.1, source=PriceSource.SNAPSHOT, as_of=OLD)},
    spot={("m7i.large", A): Quote(usd=0.03, source=PriceSource.LIVE, as_of=NOON)},
)


def test_prices_add_up_and_say_what_spot_saves() -> None:
    cost = estimate([PLAIN, SPOT, SPOT, SPOT], PRICES)
    assert cost == Estimate(
        machines=4,
        spot=3,
        hourly_usd=0.19,
        on_demand_usd=0.4,
        sources=(PriceSource.SNAPSHOT, PriceSource.LIVE),
        as_of=OLD,
    )
    assert cost.savings == pytest.approx(0.525)


@pytest.mark.parametrize(
    ("machines", "unknown"),
    [
        pytest.param(
            [SPOT, Machine(Market.SPOT, "m7i.large", B)], "spot m7i.large us-east-1b", id="spot"
        ),
        pytest.param(
            [PLAIN, Machine(Market.ON_DEMAND, "x1.huge", A)], "on-demand x1.huge", id="on demand"
        ),
    ],
)
def test_one_without_a_price_leaves_all_unknown_and_is_named(
    machines: list[Machine], unknown: str
) -> None:
    cost = estimate(machines, PRICES)
    assert (cost.hourly_usd, cost.unknown, cost.savings) == (None, (unknown,), None)


def test_spot_whose_type_has_no_list_price_has_a_price_and_no_savings() -> None:
    cost = estimate([SPOT], msgspec.structs.replace(PRICES, on_demand={}))
    assert (cost.hourly_usd, cost.on_demand_usd, cost.savings) == (0.03, None, None)


def test_nothing_costs_nothing() -> None:
    assert estimate([], PRICES) == Estimate(machines=0, hourly_usd=0.0, on_demand_usd=0.0)


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_sum_is_that_of_each(spots: int, plain: int) -> None:
    cost = estimate([SPOT] * spots + [PLAIN] * plain, PRICES)
    assert cost.hourly_usd == pytest.approx(0.03 * spots + 0.1 * plain)
    assert (cost.machines, cost.spot) == (spots + plain, spots)


def test_chunks_make_a_machine_for_each_rank() -> None:
    spot = Pool(Market.SPOT, "m7i.large", B, "subnet-b")
    assert machines_of([("0-1", POOL_A), ("5", spot)]) == (
        PLAIN,
        PLAIN,
        Machine(Market.SPOT, "m7i.large", B),
    )


def test_what_is_stopped_or_gone_costs_nothing() -> None:
    stopped = a_member(2, instance=an_instance(2, state=InstanceState.STOPPED))
    assert paid_machines([running(0), a_member(1), stopped, lost(3)]) == (PLAIN, PLAIN)


def test_a_machine_costs_money_beside_its_successor() -> None:
    former = Former(instance=an_instance(9, state=InstanceState.RUNNING), generation=0, since=NOON)
    assert paid_machines([running(0, generation=1, formers=(former,))]) == (PLAIN, PLAIN)
