"""Who has how many instances that are paid for."""

from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Machine, Prices
from services.launcher.plan.paid import MOST_OWNERS, OTHERS, add_costs, count_paid
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.pools import Market
from spawn.contracts.prices import PriceSource, Quote
from tests.builders import NOON, an_instance

RUNS = an_instance(state=InstanceState.RUNNING)
SPOT = an_instance(state=InstanceState.RUNNING, market=Market.SPOT)


def test_instances_are_counted_by_owner_and_market() -> None:
    held = [("ada", RUNS), ("ada", RUNS), ("ada", SPOT), ("bob", SPOT)]
    assert count_paid(held) == {("ada", "on-demand"): 2, ("ada", "spot"): 1, ("bob", "spot"): 1}


def test_what_is_stopped_or_gone_costs_nothing() -> None:
    gone = (InstanceState.STOPPED, InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED)
    assert not count_paid(("ada", an_instance(state=state)) for state in gone)


def test_the_owners_with_the_fewest_are_one() -> None:
    many = [(f"owner-{each:02}", RUNS) for each in range(MOST_OWNERS) for _ in range(2)]
    paid = count_paid([*many, ("small", RUNS), ("tiny", SPOT)])
    assert paid[OTHERS, "on-demand"] == paid[OTHERS, "spot"] == 1
    assert len({owner for owner, _ in paid}) == MOST_OWNERS + 1


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from([RUNS, SPOT])), max_size=200))
def test_nobody_is_left_out_and_the_number_of_owners_is_bounded(
    held: list[tuple[str, Instance]],
) -> None:
    paid = count_paid(held)
    assert paid.total() == len(held)
    assert len({owner for owner, _ in paid}) <= MOST_OWNERS + 1


def test_costs_are_added_by_owner_and_what_has_no_price_is_counted() -> None:
    quote = Quote(usd=0.25, source=PriceSource.LISTED, as_of=NOON)
    prices = {"here": Prices(on_demand={"m7i.large": quote}), "there": Prices()}
    priced = Machine(Market.ON_DEMAND, "m7i.large", "here-a")
    unknown = Machine(Market.ON_DEMAND, "x9.large", "here-a")
    held = [("ada", "here", priced), ("ada", "here", priced), ("bob", "here", unknown)]
    assert add_costs(held, prices) == ({"ada": 0.5, "bob": 0.0}, 1)
    assert add_costs([("ada", "there", priced)], prices) == ({"ada": 0.0}, 1)
