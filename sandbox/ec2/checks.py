"""What EC2 refuses before it launches anything, in its own codes and words.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import binascii
from base64 import b64decode
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from sandbox.ec2.parameters import Launch
from sandbox.ec2.region import RegionState, architectures
from sandbox.ec2.tokens import MAX_LENGTH
from sandbox.errors import AwsError

USER_DATA_LIMIT = 16 * 1024
"""Bytes, before base64
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html)."""
TAG_LIMIT = 50
"""Tags per resource (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html)."""


def check_shape(launch: Launch) -> None:
    """Check what needs no look at the account. Raises `AwsError`."""
    _check_counts(launch)
    if not launch.image_id:
        raise AwsError("MissingParameter", "The request must contain the parameter ImageId")
    if len(launch.client_token) > MAX_LENGTH or not launch.client_token.isascii():
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{launch.client_token}' for parameter clientToken. Must be at most "
            f"{MAX_LENGTH} ASCII characters.",
        )
    if launch.network_interfaces and launch.subnet_id:
        raise AwsError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID may not be specified on the "
            "same request",
        )
    if launch.private_ip_address and launch.max_count != 1:
        raise AwsError(
            "InvalidParameterCombination",
            "Network interfaces with a private IP address can't be launched more than once",
        )
    behaviour = launch.instance_initiated_shutdown_behavior
    if behaviour not in {None, "stop", "terminate"}:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({behaviour}) for parameter instanceInitiatedShutdownBehavior is invalid. "
            "Expecting stop or terminate.",
        )
    _check_user_data(launch.user_data)
    _check_tags(launch)


def check_image(region: RegionState, launch: Launch) -> Any:
    """Return moto's image. Raises `AwsError` for one that is unknown or does not fit the type."""
    image_id = launch.image_id or ""
    if not image_id.startswith("ami-"):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    image = region.backend.amis.get(image_id)
    if image is None:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    if launch.instance_type not in INSTANCE_TYPES:
        raise AwsError(
            "InvalidParameterValue", f"Invalid value '{launch.instance_type}' for InstanceType."
        )
    able = architectures(launch.instance_type)
    if able and image.architecture not in able:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{','.join(able)}' of the specified instance type does not match "
            f"the architecture '{image.architecture}' of the specified AMI. Specify an instance "
            "type and an AMI that have matching architectures, and try again. You can use "
            "'describe-instance-types' or 'describe-images' to discover the architecture of "
            "the instance type or AMI.",
        )
    return image


def check_key(region: RegionState, launch: Launch) -> None:
    """Raise `AwsError` for a key pair that does not exist."""
    name = launch.key_name
    if name is not None and name not in region.backend.key_pairs:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def groups_of(region: RegionState, launch: Launch, vpc_id: str) -> list[str]:
    """Return the ids of a launch's security groups: the VPC's default group when none is named.

    Raises `AwsError` for a group that does not exist or belongs to another VPC.
    """
    ids = list(launch.security_group_ids)
    for nic in launch.network_interfaces[:1]:
        ids.extend(nic.get("Groups") or [])
    found = [_group(region, one) for one in ids]
    for name in launch.security_groups:
        group = region.backend.get_security_group_from_name(name, vpc_id)
        if group is None:
            raise AwsError(
                "InvalidGroup.NotFound",
                f"The security group '{name}' does not exist in VPC '{vpc_id}'",
            )
        found.append(group)
    if not found:
        found = [region.backend.get_default_security_group(vpc_id)]
    for group in found:
        if group.vpc_id != vpc_id:
            raise AwsError(
                "InvalidParameter",
                f"Security group {group.id} and subnet belong to different networks.",
            )
    return list(dict.fromkeys(str(group.id) for group in found))


def _group(region: RegionState, group_id: str) -> Any:
    if not group_id.startswith("sg-"):
        raise AwsError("InvalidGroupId.Malformed", f'Invalid id: "{group_id}"')
    group = region.backend.get_security_group_from_id(group_id)
    if group is None:
        raise AwsError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    return group


def _check_counts(launch: Launch) -> None:
    for name, value in (("MinCount", launch.min_count), ("MaxCount", launch.max_count)):
        if value is None:
            raise AwsError("MissingParameter", f"The request must contain the parameter {name}")
        if value < 1:
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({value}) for parameter {name[:3].lower()}Count is invalid. "
                f"{name} must be greater than or equal to 1.",
            )
    least, most = launch.min_count or 0, launch.max_count or 0
    if least > most:
        raise AwsError(
            "InvalidParameterCombination",
            f"Value ({least}) for parameter minCount is invalid. MinCount must be less than or "
            f"equal to MaxCount ({most}).",
        )


def _check_user_data(encoded: str | None) -> None:
    if encoded is None:
        return
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AwsError(
            "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."
        ) from error
    if len(raw) > USER_DATA_LIMIT:
        raise AwsError("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")


def _check_tags(launch: Launch) -> None:
    for specification in launch.tag_specifications:
        keys = [tag.key for tag in specification.tags]
        if len(keys) > TAG_LIMIT:
            raise AwsError("TagLimitExceeded", "The maximum number of tags has been reached.")
        if len(set(keys)) != len(keys):
            raise AwsError("InvalidParameterValue", "Tag keys must be unique for a resource.")
        for key in keys:
            if key.startswith("aws:"):
                raise AwsError(
                    "InvalidParameterValue",
                    "Tag keys starting with 'aws:' are reserved for internal use",
                )
