import pytest

from cli.launch_spot import cautions
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import Allocation


@pytest.mark.parametrize(
    ("allocation", "types", "is_warned"),
    [
        pytest.param(Allocation.CAPACITY, ("a.large", "b.large"), True, id="two"),
        pytest.param(Allocation.CAPACITY, (), True, id="the deployment's one"),
        pytest.param(Allocation.CAPACITY, ("a.large", "b.large", "c.large"), False, id="three"),
        pytest.param(Allocation.LOWEST_PRICE, ("a.large",), False, id="by price"),
    ],
)
def test_scores_that_aws_does_not_give_are_warned_of(
    allocation: Allocation, types: tuple[str, ...], is_warned: bool
) -> None:
    spec = LaunchSpec(name="web", spot=True, allocation=allocation, instance_types=types)
    said = cautions(spec)
    assert len(said) == is_warned
    assert all("3 types or more" in line for line in said)
