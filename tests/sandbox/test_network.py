from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import refused

SDK: Any = boto3


def test_duplicates_have_ec2s_codes(cloud: RunningSandbox) -> None:
    ec2 = cloud.client("ec2")
    group = ec2.create_security_group(GroupName="twice", Description="d")["GroupId"]
    again = {"GroupName": "twice", "Description": "d"}
    assert refused(ec2.create_security_group, **again) == ("InvalidGroup.Duplicate", 400)
    members = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    rule = {"GroupId": group, "IpPermissions": [members]}
    ec2.authorize_security_group_ingress(**rule)
    assert refused(ec2.authorize_security_group_ingress, **rule) == (
        "InvalidPermission.Duplicate",
        400,
    )
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert found["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-south-1"])
def test_a_region_has_a_default_network(cloud: RunningSandbox, region: str) -> None:
    ec2 = cloud.client("ec2", region=region)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])[
        "Subnets"
    ]
    assert {s["AvailabilityZone"] for s in subnets} == {z["ZoneName"] for z in zones}
    groups = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )["SecurityGroups"]
    assert len(groups) == 1
