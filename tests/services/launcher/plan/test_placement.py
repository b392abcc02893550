from typing import Any

import msgspec
import pytest

from services.launcher.model import Places
from services.launcher.plan.placement import image_parameter, plan_placement
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected

X86, ARM, BOTH = ("x86_64",), ("arm64",), ("x86_64", "arm64")
PLACES = Places(
    types=("m7i.large", "m6i.large"),
    image_id="ami-00000001",
    architecture="x86_64",
    architectures={"m7i.large": X86, "m6i.large": X86, "m7g.large": ARM},
    offerings={"m7i.large": ("us-east-1a", "us-east-1b"), "m6i.large": ("us-east-1b",)},
    subnets=(("us-east-1b", "subnet-b"), ("us-east-1a", "subnet-a")),
    security_group_ids=("sg-1", "sg-2"),
)


def a_spec(**changes: Any) -> LaunchSpec:
    return msgspec.structs.replace(LaunchSpec(name="training", region="us-east-1"), **changes)


def pools(spec: LaunchSpec) -> list[tuple[str, str, str]]:
    placement = plan_placement(spec, PLACES)
    assert (placement.image_id, placement.security_group_ids) == ("ami-00000001", ("sg-1", "sg-2"))
    return [(each.instance_type, each.zone, each.subnet_id) for each in placement.pools]


@pytest.mark.parametrize(
    ("architectures", "expected"),
    [
        pytest.param({"m7i.large": X86}, "x86_64", id="x86"),
        pytest.param({"m7g.large": ARM}, "arm64", id="arm"),
        pytest.param({"a": BOTH, "m7g.large": ARM}, "arm64", id="what both run"),
        pytest.param({"a": BOTH}, "x86_64", id="either: x86"),
    ],
)
def test_the_default_image_fits_all_types(
    architectures: dict[str, tuple[str, ...]], expected: str
) -> None:
    assert image_parameter(architectures).endswith(f"al2023-ami-kernel-default-{expected}")


def test_no_image_fits_types_of_two_architectures() -> None:
    with pytest.raises(Rejected, match=r"m7i\.large is x86_64, m7g\.large is arm64") as refusal:
        image_parameter({"m7i.large": X86, "m7g.large": ARM})
    assert refusal.value.field == "instance_types"


def test_pools_are_the_zones_of_the_first_type_and_then_of_the_next() -> None:
    assert pools(a_spec()) == [
        ("m7i.large", "us-east-1b", "subnet-b"),
        ("m7i.large", "us-east-1a", "subnet-a"),
        ("m6i.large", "us-east-1b", "subnet-b"),
    ]


def test_only_the_zones_that_are_asked_for() -> None:
    assert pools(a_spec(zones=("us-east-1a",))) == [("m7i.large", "us-east-1a", "subnet-a")]


def test_an_image_that_does_not_fit_a_type_names_both() -> None:
    places = msgspec.structs.replace(PLACES, types=("m7i.large", "m7g.large"))
    with pytest.raises(Rejected, match=r"ami-00000001.*x86_64, m7g\.large is arm64") as refusal:
        plan_placement(a_spec(ami="ami-00000001"), places)
    assert refusal.value.field == "ami"


def test_a_zone_without_a_subnet_is_no_pool_and_the_zones_on_offer_are_named() -> None:
    places = msgspec.structs.replace(PLACES, subnets=(("us-east-1c", "subnet-c"),))
    with pytest.raises(Rejected, match="offered in us-east-1a, us-east-1b") as refusal:
        plan_placement(a_spec(), places)
    assert refusal.value.field == "instance_types"


def test_a_type_that_the_region_does_not_offer() -> None:
    places = msgspec.structs.replace(PLACES, offerings={})
    with pytest.raises(Rejected, match="offered in no zone of us-east-1"):
        plan_placement(a_spec(), places)
