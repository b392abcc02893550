from typing import Any

import msgspec
import pytest

from spawn.contracts.checkpoints import OnInterruption, OnRebalance
from spawn.contracts.checks import check_spec
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import Allocation
from spawn.errors import Rejected

GOOD = LaunchSpec(name="training", count=8, region="us-east-1")


def a_spec(**changes: Any) -> LaunchSpec:
    return msgspec.structs.replace(GOOD, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"spot": True}, id="spot"),
        pytest.param({"spot_count": 8}, id="all by count"),
        pytest.param({"spot_count": 1, "spot_fallback": True}, id="fallback of some"),
        pytest.param({"spot": True, "spot_max_price": 0.01}, id="a price"),
        pytest.param({"spot": True, "on_interruption": OnInterruption.STOP}, id="kept"),
        pytest.param({"spot": True, "allocation": Allocation.CAPACITY}, id="by capacity"),
        pytest.param({"allocation": Allocation.LOWEST_PRICE}, id="on demand by price"),
        pytest.param(
            {"spot": True, "replace": True, "on_rebalance": OnRebalance.REPLACE}, id="in danger"
        ),
        pytest.param(
            {"spot": True, "checkpoint_script": "sync", "on_rebalance": OnRebalance.REPLACE},
            id="in danger, with a checkpoint",
        ),
    ],
)
def test_what_may_be_asked_of_markets(changes: dict[str, Any]) -> None:
    assert check_spec(a_spec(**changes)) == a_spec(**changes)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        pytest.param({"spot_count": 9}, "spot_count", "use 1 to the count, 8", id="too many"),
        pytest.param(
            {"spot": True, "replace": True, "on_interruption": OnInterruption.STOP},
            "on_interruption",
            "leave out --replace",
            id="kept and replaced",
        ),
        pytest.param(
            {"spot": True, "maintain": True, "on_interruption": OnInterruption.HIBERNATE},
            "on_interruption",
            "and --maintain",
            id="kept and maintained",
        ),
        pytest.param({"spot_count": -1}, "spot_count", "use 1 to the count, 8", id="negative"),
        pytest.param({"spot_max_price": 0.1}, "spot_max_price", "add --spot", id="no spot: price"),
        pytest.param(
            {"spot_fallback": True}, "spot_fallback", "add --spot", id="no spot: fallback"
        ),
        pytest.param(
            {"allocation": Allocation.CAPACITY}, "allocation", "add --spot", id="no spot: capacity"
        ),
        pytest.param(
            {"spot": True, "spot_max_price": 0.0}, "spot_max_price", "above 0", id="nothing"
        ),
        pytest.param(
            {"spot": True, "spot_max_price": 2000.0}, "spot_max_price", "1000 at most", id="absurd"
        ),
        pytest.param(
            {"spot": True, "spot_max_price": float("nan")}, "spot_max_price", "above 0", id="none"
        ),
        pytest.param(
            {"on_rebalance": OnRebalance.REPLACE, "maintain": True},
            "on_rebalance",
            "add --spot",
            id="no spot: in danger",
        ),
        pytest.param(
            {"spot": True, "on_rebalance": OnRebalance.REPLACE},
            "on_rebalance",
            "add --replace",
            id="in danger, and never replaced",
        ),
        pytest.param(
            {
                "spot": True,
                "checkpoint_script": "sync",
                "replace": False,
                "on_rebalance": OnRebalance.REPLACE,
            },
            "on_rebalance",
            "add --replace",
            id="in danger, with --no-replace",
        ),
    ],
)
def test_what_may_not(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Rejected, match=message) as refused:
        check_spec(a_spec(**changes))
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}=")
