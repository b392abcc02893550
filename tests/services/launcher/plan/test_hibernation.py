from typing import Any

import msgspec
import pytest

from services.launcher.model import Places
from services.launcher.plan.hibernation import plan_hibernation
from spawn.contracts.instances import RootVolume
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import LeaseAction
from spawn.errors import Rejected

PLACES = Places(
    types=("m7i.large", "m7i.xlarge"),
    image_id="ami-00000001",
    architecture="x86_64",
    architectures={},
    offerings={},
    subnets=(),
    security_group_ids=(),
    memories={"m7i.large": 8192, "m7i.xlarge": 16384, "r7i.8xlarge": 256 * 1024},
    hibernating=frozenset({"m7i.large", "m7i.xlarge", "r7i.8xlarge"}),
    root_device="/dev/xvda",
    root_gib=30,
)


def planned(places: Places = PLACES, **spec: Any) -> RootVolume | None:
    return plan_hibernation(LaunchSpec(name="a", region="us-east-1", **spec), places)


def test_nothing_is_prepared_unless_it_is_wanted() -> None:
    bare = msgspec.structs.replace(PLACES, hibernating=frozenset())
    assert planned(bare) is None
    assert planned(bare, on_expire=LeaseAction.STOP) is None


@pytest.mark.parametrize(
    "spec",
    [
        {"hibernate": True},
        {"on_expire": LeaseAction.HIBERNATE},
        {"idle_timeout": "30m", "idle_action": LeaseAction.HIBERNATE},
    ],
    ids=["by its flag", "at the end of the lease", "when idle"],
)
def test_the_root_volume_holds_image_and_memory_of_the_largest_type(spec: dict[str, Any]) -> None:
    assert planned(**spec) == RootVolume(device="/dev/xvda", gib=46)


@pytest.mark.parametrize(
    ("places", "why"),
    [
        pytest.param({"types": ("m7i.large", "g5.xlarge")}, "not hibernate g5", id="type"),
        pytest.param({"types": ("r7i.8xlarge",)}, "256 GiB of memory", id="memory"),
        pytest.param({"root_device": ""}, "no EBS root volume", id="image"),
    ],
)
def test_what_can_not_hibernate_is_refused_with_an_alternative(
    places: dict[str, Any], why: str
) -> None:
    with pytest.raises(Rejected, match=why) as refused:
        planned(msgspec.structs.replace(PLACES, **places), hibernate=True)
    assert refused.value.code == "no-hibernation"
    assert "choose" in refused.value.message
