"""EC2's answers, made into our Structs; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spawn.aws.shapes import Image, InstanceType, SecurityGroup, Subnet
from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.pools import Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_aiobotocore_ec2.type_defs import (
        ImageTypeDef,
        InstanceTypeDef,
        InstanceTypeInfoTypeDef,
        SecurityGroupTypeDef,
        SubnetTypeDef,
        TagTypeDef,
    )

_INSTANCE_IDS = re.compile(r"\bi-[0-9a-f]+\b")


def described(instance: InstanceTypeDef) -> Described:
    """Return an instance as EC2 lists it; what EC2 leaves out is empty."""
    launch = instance.get("LaunchTime")
    return Described(
        instance=Instance(
            id=InstanceId(instance.get("InstanceId", "")),
            state=InstanceState(instance.get("State", {}).get("Name", "pending")),
            instance_type=instance.get("InstanceType", ""),
            zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
            market=_market(instance),
            image_id=instance.get("ImageId", ""),
            subnet_id=instance.get("SubnetId", ""),
            private_ip=instance.get("PrivateIpAddress", ""),
            public_ip=instance.get("PublicIpAddress", ""),
            ipv6_address=instance.get("Ipv6Address", ""),
            launched_at=launch,
            reason=_reason(instance),
            spot_request=instance.get("SpotInstanceRequestId", ""),
        ),
        launch_index=instance.get("AmiLaunchIndex", 0),
        client_token=ClientToken(instance.get("ClientToken", "")),
        tags=tags(instance.get("Tags", [])),
        # Of an ARN with a path, the name is what is behind the last slash.
        profile=instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2],
    )


def tags(listed: Sequence[TagTypeDef]) -> dict[str, str]:
    """Return a list of tags as a mapping."""
    return {tag.get("Key", ""): tag.get("Value", "") for tag in listed}


def image(found: ImageTypeDef) -> Image:
    """Return an image, with the size of its root volume where EC2 says it."""
    root = found.get("RootDeviceName", "")
    sizes = {
        mapping.get("DeviceName", ""): mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in found.get("BlockDeviceMappings", [])
    }
    return Image(
        id=found.get("ImageId", ""),
        name=found.get("Name", ""),
        architecture=found.get("Architecture", ""),
        state=found.get("State", ""),
        root_device=root,
        root_gib=sizes.get(root, 0),
    )


def instance_type(info: InstanceTypeInfoTypeDef) -> InstanceType:
    """Return what a type has and can."""
    cards = info.get("GpuInfo", {}).get("Gpus", [])
    return InstanceType(
        name=info.get("InstanceType", ""),
        architectures=tuple(info.get("ProcessorInfo", {}).get("SupportedArchitectures", [])),
        vcpus=info.get("VCpuInfo", {}).get("DefaultVCpus", 0),
        memory_mib=info.get("MemoryInfo", {}).get("SizeInMiB", 0),
        gpus=sum(card.get("Count", 0) for card in cards),
        spot="spot" in info.get("SupportedUsageClasses", []),
        hibernation=info.get("HibernationSupported", False),
    )


def subnet(found: SubnetTypeDef) -> Subnet:
    """Return a subnet."""
    return Subnet(
        id=found.get("SubnetId", ""),
        zone=found.get("AvailabilityZone", ""),
        vpc_id=found.get("VpcId", ""),
        default_for_zone=found.get("DefaultForAz", False),
        free_addresses=found.get("AvailableIpAddressCount", 0),
        zone_id=found.get("AvailabilityZoneId", ""),
    )


def security_group(found: SecurityGroupTypeDef) -> SecurityGroup:
    """Return a security group."""
    return SecurityGroup(
        id=found.get("GroupId", ""), name=found.get("GroupName", ""), vpc_id=found.get("VpcId", "")
    )


def named_instances(message: str) -> frozenset[InstanceId]:
    """Return the instance ids that an error text names."""
    return frozenset(InstanceId(found) for found in _INSTANCE_IDS.findall(message))


def _market(instance: InstanceTypeDef) -> Market:
    return Market.SPOT if instance.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND


def _reason(instance: InstanceTypeDef) -> str:
    code = instance.get("StateReason", {}).get("Code", "")
    return code or instance.get("StateTransitionReason", "")
