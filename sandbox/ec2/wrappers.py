"""The wrappers over moto's EC2: each one changes one thing that moto gets wrong or does slowly.

They reach into private code, so moto is pinned exactly and every wrapper has a canary test.
`install` puts them on for one `Cloud`; what it returns takes them off again.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from moto.core.common_models import BaseModel
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidInstanceIdError,
    InvalidSecurityGroupNotFoundError,
    InvalidVolumeIdError,
)
from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.tags import TagBackend
from moto.iam.models import IAMBackend
from moto.ssm.models import ParameterDict

from sandbox.ec2 import images, lifecycle, originals
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import InstanceId, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import Action, State
from sandbox.wrapping import replace as replace_attribute

_INSTANCE_PREFIX = "i-"
_ONLY_WHEN_STOPPED = frozenset({"instance_type", "user_data", "kernel", "ebs_optimized"})
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html"""


def install(cloud: Cloud) -> Callable[[], None]:
    """Put every wrapper on, bound to `cloud`; call the result to take them off."""
    undo = [
        replace_attribute(owner, name, replacement)
        for owner, name, replacement in (
            *_speed(cloud),
            *_life(cloud),
            *_tags(cloud),
            (AmiBackend, "_load_amis", images.load),
            (SecurityGroupBackend, "describe_security_groups", _describe_groups),
            (ParameterDict, "_load_latest_amis", images.add_parameters),
            (IAMBackend, "add_role_to_instance_profile", _add_role(cloud)),
        )
    ]

    def uninstall() -> None:
        for restore in reversed(undo):
            restore()

    return uninstall


_Wrapper = tuple[Any, str, Any]


def _speed(cloud: Cloud) -> Iterable[_Wrapper]:
    """Yield what makes moto's cost independent of how much a region holds."""

    def get_instance(backend: Any, instance_id: str) -> Any:
        record = cloud.region_of(backend).records.by_id.get(InstanceId(instance_id))
        return _newest(backend, instance_id) if record is None else record.model

    yield InstanceBackend, "get_instance", get_instance
    yield InstanceBackend, "get_multi_instances_by_id", _get_instances
    yield TaggedEC2Resource, "get_tags", _get_tags
    yield EBSBackend, "describe_volumes", _describe_volumes
    yield BaseModel, "__new__", staticmethod(_make_model)


def _get_instances(backend: Any, ids: list[str], filters: Any = None) -> list[Any]:
    found = [backend.get_instance(one) for one in ids]
    return [instance for instance in found if instance.applies(filters)]


def _get_tags(resource: Any) -> list[dict[str, str]]:
    tags: dict[str, str] = resource.ec2_backend.tags.get(resource.id, {})
    return [
        {"resource_id": resource.id, "key": key, "value": value, "resource_type": ""}
        for key, value in tags.items()
    ]


def _describe_volumes(
    backend: Any, volume_ids: list[str] | None = None, filters: Any = None
) -> Any:
    if not volume_ids or filters:
        return originals.describe_volumes(backend, volume_ids, filters)
    unknown = [one for one in volume_ids if one not in backend.volumes]
    if unknown:
        raise InvalidVolumeIdError(unknown)
    return [backend.volumes[one] for one in volume_ids]


def _describe_groups(
    backend: Any,
    group_ids: list[str] | None = None,
    groupnames: list[str] | None = None,
    filters: Any = None,
) -> Any:
    for one in group_ids or []:
        if backend.get_security_group_from_id(one) is None:
            # moto names the whole set, in Python's spelling.
            raise InvalidSecurityGroupNotFoundError(one)
    return originals.describe_groups(backend, group_ids, groupnames, filters)


def _make_model(cls: Any, *_arguments: Any, **_named: Any) -> Any:
    # moto keeps every model ever made in a list, for a reset that the sandbox never asks.
    return super(BaseModel, cls).__new__(cls)


def _newest(backend: Any, instance_id: str) -> Any:
    """Return an instance of the launch that is under way, which has no record yet."""
    reservations = backend.reservations
    if reservations:
        for instance in reversed(reservations[next(reversed(reservations))].instances):
            if instance.id == instance_id:
                return instance
    raise InvalidInstanceIdError(instance_id)


def _life(cloud: Cloud) -> Iterable[_Wrapper]:
    """Yield what gives the instances that moto itself makes and ends (fleets) a life."""

    def run_instances(backend: Any, *arguments: Any, **named: Any) -> Any:
        reservation = originals.run_instances(backend, *arguments, **named)
        lifecycle.adopt(cloud, cloud.region_of(backend), reservation)
        return reservation

    def changing(action: Action) -> Callable[[Any], Any]:
        def change(model: Any) -> Any:
            region = cloud.region_of(model.ec2_backend)
            previous = lifecycle.begin(cloud, region, region.records.by_id[model.id], action)
            return type(model.instance_state)(previous.value, previous.code)

        return change

    def modify(backend: Any, instance_id: str, key: str, value: Any) -> Any:
        record = cloud.region_of(backend).records.by_id.get(InstanceId(instance_id))
        if record is not None and key in _ONLY_WHEN_STOPPED and record.state is not State.STOPPED:
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{instance_id}' is not in the 'stopped' state.",
            )
        model = originals.modify_attribute(backend, instance_id, key, value)
        if record is not None and key == "instance_type":
            record.pool = replace(record.pool, instance_type=str(value))
        return model

    yield InstanceBackend, "modify_instance_attribute", modify
    yield InstanceBackend, "run_instances", run_instances
    yield Instance, "terminate", changing("terminate")
    yield Instance, "stop", changing("stop")
    yield Instance, "start", changing("start")


def _tags(cloud: Cloud) -> Iterable[_Wrapper]:
    """Yield what keeps the index of tags in step."""

    def indexed(original: Any) -> Callable[..., Any]:
        def change(backend: Any, resource_ids: list[str], tags: Any) -> Any:
            if not any(one.startswith(_INSTANCE_PREFIX) for one in resource_ids):
                return original(backend, resource_ids, tags)
            region = cloud.region_of(backend)
            with_records = _records(region, resource_ids)
            before = [(record, dict(region.tags(record.id))) for record in with_records]
            result = original(backend, resource_ids, tags)
            for record, old in before:
                _reindex(region, record, old)
            return result

        return change

    yield TagBackend, "create_tags", indexed(originals.create_tags)
    yield TagBackend, "delete_tags", indexed(originals.delete_tags)
    yield TagBackend, "delete_tag_keys", indexed(originals.delete_tag_keys)


def _records(region: RegionState, resource_ids: list[str]) -> list[Record]:
    found = (region.records.by_id.get(InstanceId(one)) for one in resource_ids)
    return [record for record in found if record is not None]


def _reindex(region: RegionState, record: Record, old: dict[str, str]) -> None:
    new = region.tags(record.id)
    for key, value in old.items():
        if new.get(key) != value:
            region.records.untag(record, key, value)
    for key, value in new.items():
        if old.get(key) != value:
            region.records.tag(record, key, value)


def _add_role(cloud: Cloud) -> Callable[[Any, str, str], None]:
    def add_role(backend: Any, profile_name: str, role_name: str) -> None:
        originals.add_role(backend, profile_name, role_name)
        profile = backend.get_instance_profile(profile_name)
        cloud.role_attached_at[profile.id] = cloud.clock.monotonic()

    return add_role
