"""One canary for each wrapper: it fails when moto changes underneath.

The first half looks at what the wrappers rely on in moto; the second shows that each of them
changes what it is for.
"""

import inspect
import random
from collections.abc import Generator
from importlib.metadata import version
from typing import Any

import pytest
from moto.core import responses, utils
from moto.core.common_models import BaseModel
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError, InvalidVolumeIdError
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.iam.models import iam_backends

from sandbox import moto_speed
from sandbox.ec2 import lifecycle, originals, wrappers
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.ec2.timeline import Timeline
from sandbox.request import AccountId, Region
from spawn.clock import SystemClock

ACCOUNT, REGION = AccountId("123456789012"), Region("sa-east-1")


class Told:
    """Remembers the changes of state that it is told."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def __call__(self, region: RegionState, record: Record, state: State) -> None:
        assert region.records.by_id[record.id] is record
        self.states.append(state.value)


def make(told: Told) -> Cloud:
    randomness = random.Random(1)
    return Cloud(SystemClock(), randomness=randomness, on_state=told, timeline=Timeline())


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def cloud(told: Told) -> Generator[Cloud]:
    ec2_backends[ACCOUNT].pop(REGION, None)
    cloud = make(told)
    uninstall = wrappers.install(cloud)
    yield cloud
    uninstall()


def launch(cloud: Cloud, count: int = 1, **more: Any) -> Any:
    backend: Any = cloud.region(ACCOUNT, REGION).backend
    (subnet,) = backend.describe_subnets()[:1]
    named = {
        "is_instance_type_default": False,
        "instance_type": "t3.micro",
        "region_name": REGION,
        "subnet_id": subnet.id,
        "tags": {"instance": {"a": "1"}},
    }
    ami = next(iter(backend.amis))
    return backend.run_instances(ami, count, None, [], **{**named, **more})


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (
            originals.run_instances,
            ["self", "image_id", "count", "user_data", "security_group_names", "kwargs"],
        ),
        (originals.terminate, ["self"]),
        (originals.stop, ["self"]),
        (originals.start, ["self"]),
        (originals.create_tags, ["self", "resource_ids", "tags"]),
        (originals.delete_tags, ["self", "resource_ids", "tags"]),
        (originals.delete_tag_keys, ["self", "resource_ids", "tag_keys"]),
        (originals.describe_volumes, ["self", "volume_ids", "filters"]),
        (originals.load_images, ["self"]),
        (originals.load_parameters, ["self"]),
        (originals.add_role, ["self", "profile_name", "role_name"]),
        (originals.describe_groups, ["self", "group_ids", "groupnames", "filters"]),
        (originals.modify_attribute, ["self", "instance_id", "key", "value"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_motos_methods_take_what_the_wrappers_hand_on(method: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(method).parameters) == parameters


def test_moto_is_the_version_that_the_wrappers_were_written_for() -> None:
    assert version("moto") == "5.2.5"


def test_wrappers_come_off_again() -> None:
    before = Instance.terminate, BaseModel.__new__
    uninstall = wrappers.install(make(Told()))
    assert Instance.terminate is not before[0]
    uninstall()
    assert (Instance.terminate, BaseModel.__new__) == before


def test_a_launch_is_adopted_and_told(cloud: Cloud, told: Told) -> None:
    reservation = launch(cloud, 2)
    records = cloud.region(ACCOUNT, REGION).records
    assert set(records.by_id) == {one.id for one in reservation.instances}
    assert {one.state for one in reservation.instances} == {"pending"}
    assert told.states == ["pending", "pending"]


def test_motos_own_terminate_stop_and_start_begin_a_move(cloud: Cloud, told: Told) -> None:
    instance: Any = launch(cloud).instances[0]
    record = cloud.region(ACCOUNT, REGION).records.by_id[instance.id]
    cloud.region(ACCOUNT, REGION).records.move(record, State.RUNNING)
    assert instance.stop().name == "running"
    cloud.region(ACCOUNT, REGION).records.move(record, State.STOPPED)
    assert instance.start().name == "stopped"
    assert instance.terminate().name == "pending"
    assert told.states == ["pending", "stopping", "pending", "shutting-down"]


def test_an_instance_is_found_by_its_index(cloud: Cloud) -> None:
    instance: Any = launch(cloud, 3).instances[1]
    backend: Any = cloud.region(ACCOUNT, REGION).backend
    backend.reservations.clear()
    assert backend.get_instance(instance.id) is instance
    assert backend.get_multi_instances_by_id([instance.id]) == [instance]
    with pytest.raises(InvalidInstanceIdError):
        backend.get_instance("i-00000000000000001")


def test_tags_are_looked_up_by_id_and_indexed(cloud: Cloud) -> None:
    instance: Any = launch(cloud).instances[0]
    region = cloud.region(ACCOUNT, REGION)
    assert [(tag["key"], tag["value"]) for tag in instance.get_tags()] == [("a", "1")]
    region.backend.create_tags([instance.id], {"a": "2", "b": "3"})
    assert set(region.records.having("tag:a", ["2"])) == {instance.id}
    assert not region.records.having("tag:a", ["1"])
    region.backend.delete_tag_keys([instance.id], ["a"])
    region.backend.delete_tags([instance.id], {"b": None})
    assert not region.records.having("tag-key", ["a", "b"])


def test_volumes_are_looked_up_by_id(cloud: Cloud) -> None:
    launch(cloud, 2)
    backend: Any = cloud.region(ACCOUNT, REGION).backend
    first = next(iter(backend.volumes))
    assert [volume.id for volume in backend.describe_volumes([first])] == [first]
    assert len(backend.describe_volumes()) == len(backend.volumes)
    with pytest.raises(InvalidVolumeIdError):
        backend.describe_volumes(["vol-1"])


def test_models_are_not_kept_for_a_reset(cloud: Cloud) -> None:
    kept: Any = Instance
    before = len(kept.instances_tracked)
    launch(cloud, 3)
    assert len(kept.instances_tracked) == before


def test_an_unknown_group_is_named_alone(cloud: Cloud) -> None:
    backend: Any = cloud.region(ACCOUNT, REGION).backend
    (known,) = [group.id for group in backend.describe_security_groups()]
    with pytest.raises(EC2ClientError, match="The security group 'sg-1' does not exist"):
        backend.describe_security_groups(group_ids=[known, "sg-1"])


def test_images_are_the_few_of_the_public_parameters(cloud: Cloud) -> None:
    backend: Any = cloud.region(ACCOUNT, REGION).backend
    assert sorted(image.architecture for image in backend.amis.values()) == [
        "arm64",
        "arm64",
        "x86_64",
        "x86_64",
    ]


def test_the_moment_of_a_profiles_role_is_noted(cloud: Cloud) -> None:
    iam: Any = iam_backends[ACCOUNT]["aws"]
    iam.create_role("canary", "{}", "/", "", "", [], "3600")
    profile = iam.create_instance_profile("canary", "/", [])
    iam.add_role_to_instance_profile("canary", "canary")
    assert profile.id in cloud.role_attached_at
    iam.remove_role_from_instance_profile("canary", "canary")
    iam.delete_instance_profile("canary")
    iam.delete_role("canary")


def test_only_a_stopped_instance_changes_its_type(cloud: Cloud) -> None:
    instance: Any = launch(cloud).instances[0]
    region = cloud.region(ACCOUNT, REGION)
    with pytest.raises(EC2ClientError, match="stopped"):
        region.backend.modify_instance_attribute(instance.id, "instance_type", "t3.large")
    region.records.move(region.records.by_id[instance.id], State.STOPPED)
    region.backend.modify_instance_attribute(instance.id, "instance_type", "t3.large")
    assert region.records.by_id[instance.id].pool.instance_type == "t3.large"


def test_a_terminated_instance_gives_back_its_address(cloud: Cloud, told: Told) -> None:
    instance: Any = launch(cloud).instances[0]
    region = cloud.region(ACCOUNT, REGION)
    subnet = region.backend.get_subnet(instance.subnet_id)
    address = instance.private_ip
    assert address in subnet._subnet_ips
    record = region.records.by_id[instance.id]
    lifecycle.begin(cloud, region, record, "terminate")
    lifecycle.complete(cloud, region, record, State.TERMINATED)
    assert address not in subnet._subnet_ips
    assert told.states[-1] == "terminated"


def test_motos_slow_answers_are_kept() -> None:
    original: Any = utils.method_names_from_class
    restore = moto_speed.install()
    kept: Any = vars(responses)["method_names_from_class"]
    assert set(kept(Instance)) == set(original(Instance))
    assert kept(Instance) is kept(Instance)
    restore()
    assert vars(responses)["method_names_from_class"] is original
