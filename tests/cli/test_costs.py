from datetime import UTC, datetime

import pytest

from cli.costs import with_details
from spawn.contracts.prices import Estimate, PriceSource

SPRING = datetime(2026, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        pytest.param(None, "$/h unknown", id="nobody says"),
        pytest.param(
            Estimate(machines=2, hourly_usd=0.0208, on_demand_usd=0.0208),
            "$/h 0.0208",
            id="on demand",
        ),
        pytest.param(
            Estimate(machines=4, spot=4, hourly_usd=1.25, on_demand_usd=4.0),
            "$/h 1.2500 (spot saves 69% of 4.0000 on demand)",
            id="spot",
        ),
        pytest.param(
            Estimate(machines=1, spot=1, hourly_usd=1.5, on_demand_usd=1.0),
            "$/h 1.5000 (spot costs 50% more than 1.0000 on demand)",
            id="spot that is dearer",
        ),
        pytest.param(
            Estimate(machines=1, spot=1, hourly_usd=1.5),
            "$/h 1.5000",
            id="spot whose on-demand price nobody knows",
        ),
        pytest.param(
            Estimate(machines=1, hourly_usd=0.5, sources=(PriceSource.SNAPSHOT,), as_of=SPRING),
            "$/h 0.5000 (at prices of 2026-03-20)",
            id="old prices",
        ),
        pytest.param(
            Estimate(machines=5, spot=5, unknown=("spot a", "spot b", "spot c", "spot d")),
            "$/h unknown (no price of spot a, spot b, spot c and 1 more)",
            id="no prices",
        ),
    ],
)
def test_costs_are_told_as_far_as_they_are_known(cost: Estimate | None, shown: str) -> None:
    assert with_details(cost) == shown
