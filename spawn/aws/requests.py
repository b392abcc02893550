"""Requests as EC2 wants them, made from ours; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.contracts.leases import LeaseAction
from spawn.contracts.pools import Market

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from types_aiobotocore_ec2.type_defs import (
        FilterTypeDef,
        IamInstanceProfileSpecificationTypeDef,
        IpPermissionTypeDef,
        RunInstancesRequestTypeDef,
        SpotMarketOptionsTypeDef,
        TagSpecificationTypeDef,
        TagTypeDef,
    )

    from spawn.contracts.instances import InstanceState, RootVolume, RunInstances

HOP_LIMIT = 2
"""Containers on the machine are one hop further from the metadata service
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html)."""


def run_instances(request: RunInstances) -> RunInstancesRequestTypeDef:
    """Return the parameters of a RunInstances call; equal requests give equal parameters."""
    stays = request.lease_action is not LeaseAction.TERMINATE
    parameters: RunInstancesRequestTypeDef = {
        "ClientToken": request.client_token,
        "ImageId": request.image_id,
        "InstanceType": request.instance_type,  # pyright: ignore[reportAssignmentType] # the stubs list only types that they know
        "MinCount": request.min_count,
        "MaxCount": request.max_count,
        "SubnetId": request.subnet_id,
        "SecurityGroupIds": list(request.security_group_ids),
        "InstanceInitiatedShutdownBehavior": "stop" if stays else "terminate",
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": HOP_LIMIT,
            "InstanceMetadataTags": "disabled",
        },
    }
    _add_tags(parameters, request)
    _add_optional(parameters, request)
    return parameters


def tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Return tags as EC2's list, by key, so that equal tags are equal requests."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def instance_filters(
    tags: Mapping[str, str], states: Iterable[InstanceState]
) -> list[FilterTypeDef]:
    """Return the filters for instances that have all of `tags` and one of `states`."""
    filters: list[FilterTypeDef] = [
        {"Name": f"tag:{key}", "Values": [tags[key]]} for key in sorted(tags)
    ]
    values = [state.value for state in states]
    if values:
        filters.append({"Name": "instance-state-name", "Values": values})
    return filters


def from_itself(group_id: str) -> IpPermissionTypeDef:
    """Return the rule that lets in all traffic from members of the same group."""
    return {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}


def ssh_from(cidr: str) -> IpPermissionTypeDef:
    """Return the rule that lets in SSH from `cidr`."""
    rule: IpPermissionTypeDef = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    if ":" in cidr:
        rule["Ipv6Ranges"] = [{"CidrIpv6": cidr}]
    else:
        rule["IpRanges"] = [{"CidrIp": cidr}]
    return rule


def _add_tags(parameters: RunInstancesRequestTypeDef, request: RunInstances) -> None:
    # EC2 refuses a specification without tags.
    if request.tags:
        tags = tag_list(request.tags)
        specifications: list[TagSpecificationTypeDef] = [
            {"ResourceType": "instance", "Tags": tags},
            {"ResourceType": "volume", "Tags": tags},
        ]
        if request.market is Market.SPOT and _stays(request):
            # By its tags a request is ours to cancel.
            specifications.append({"ResourceType": "spot-instances-request", "Tags": tags})
        parameters["TagSpecifications"] = specifications


def _add_optional(parameters: RunInstancesRequestTypeDef, request: RunInstances) -> None:
    if request.market is Market.SPOT:
        parameters["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": _spot(request)}
    if request.user_data:
        # Plain text: botocore encodes the user-data of this call itself.
        parameters["UserData"] = request.user_data
    if request.key_name:
        parameters["KeyName"] = request.key_name
    if request.hibernation is not None:
        _add_hibernation(parameters, request.hibernation)
    if request.instance_profile:
        parameters["IamInstanceProfile"] = _profile(request.instance_profile)


def _add_hibernation(parameters: RunInstancesRequestTypeDef, root: RootVolume) -> None:
    parameters["HibernationOptions"] = {"Configured": True}
    parameters["BlockDeviceMappings"] = [
        {
            "DeviceName": root.device,
            "Ebs": {
                "Encrypted": True,
                "VolumeSize": root.gib,
                "VolumeType": "gp3",
                "DeleteOnTermination": True,
            },
        }
    ]


def _stays(request: RunInstances) -> bool:
    return request.lease_action is not LeaseAction.TERMINATE or request.hibernation is not None


def _spot(request: RunInstances) -> SpotMarketOptionsTypeDef:
    # Only instances of persistent requests can be stopped
    # (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/stop-spot-instances.html).
    hibernates = request.hibernation or request.lease_action is LeaseAction.HIBERNATE
    behaviour = "hibernate" if hibernates else "stop"
    stays = _stays(request)
    options: SpotMarketOptionsTypeDef = {
        "SpotInstanceType": "persistent" if stays else "one-time",
        "InstanceInterruptionBehavior": behaviour if stays else "terminate",
    }
    if request.max_price:
        options["MaxPrice"] = request.max_price
    return options


def _profile(profile: str) -> IamInstanceProfileSpecificationTypeDef:
    return {"Arn": profile} if profile.startswith("arn:") else {"Name": profile}
