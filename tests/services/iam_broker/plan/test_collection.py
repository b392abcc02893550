"""Which grants are in use, by what living arrays and instances say."""

from services.iam_broker.model import ArrayUse, PlacedUse, Uses
from services.iam_broker.plan.collection import find_uses
from spawn.contracts.arrays import ArrayState
from tests.builders import ARRAY_ID


def placed(profile: str) -> ArrayUse:
    return ArrayUse(
        id=ARRAY_ID,
        region="us-east-1",
        state=ArrayState.LAUNCHING,
        placement=PlacedUse(instance_profile=profile),
    )


def test_an_array_placed_without_a_grant_holds_none_back() -> None:
    assert find_uses([placed("")], []) == Uses(profiles={}, launching=())


def test_an_array_placed_with_a_grant_uses_that_one_alone() -> None:
    found = find_uses([placed("spawn-abc"), placed("")], [])
    assert found == Uses(profiles={"spawn-abc": f"array {ARRAY_ID}"}, launching=())
