import msgspec
import pytest

from spawn.aws import requests
from spawn.contracts.instances import InstanceState, RootVolume
from spawn.contracts.leases import LeaseAction
from spawn.contracts.pools import Market
from tests.fixtures.canned_aws import REQUEST

TAGS = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
GOLDEN = {
    "ClientToken": "token",
    "ImageId": "ami-1",
    "InstanceType": "t3.micro",
    "MinCount": 1,
    "MaxCount": 3,
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1", "sg-2"],
    "InstanceInitiatedShutdownBehavior": "terminate",
    "MetadataOptions": {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "InstanceMetadataTags": "disabled",
    },
    "TagSpecifications": [
        {"ResourceType": "instance", "Tags": TAGS},
        {"ResourceType": "volume", "Tags": TAGS},
    ],
}


def spot(**options: str) -> dict[str, object]:
    usual = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    return {"MarketType": "spot", "SpotOptions": {**usual, **options}}


def test_the_plain_request() -> None:
    assert requests.run_instances(REQUEST) == GOLDEN


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"market": Market.SPOT}, {"InstanceMarketOptions": spot()}),
        (
            {"market": Market.SPOT, "max_price": "0.250000"},
            {"InstanceMarketOptions": spot(MaxPrice="0.250000")},
        ),
        ({"user_data": "#!/bin/sh"}, {"UserData": "#!/bin/sh"}),
        ({"key_name": "mine"}, {"KeyName": "mine"}),
        ({"instance_profile": "spawn-1"}, {"IamInstanceProfile": {"Name": "spawn-1"}}),
        (
            {"instance_profile": "arn:aws:iam::1:instance-profile/spawn-1"},
            {"IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/spawn-1"}},
        ),
        (
            {"hibernation": RootVolume(device="/dev/xvda", gib=24)},
            {
                "HibernationOptions": {"Configured": True},
                "BlockDeviceMappings": [
                    {
                        "DeviceName": "/dev/xvda",
                        "Ebs": {
                            "Encrypted": True,
                            "VolumeSize": 24,
                            "VolumeType": "gp3",
                            "DeleteOnTermination": True,
                        },
                    }
                ],
            },
        ),
        ({"lease_action": LeaseAction.STOP}, {"InstanceInitiatedShutdownBehavior": "stop"}),
        ({"lease_action": LeaseAction.HIBERNATE}, {"InstanceInitiatedShutdownBehavior": "stop"}),
    ],
)
def test_what_is_asked_for_adds(change: dict[str, object], parameters: dict[str, object]) -> None:
    changed = msgspec.structs.replace(REQUEST, **change)
    assert requests.run_instances(changed) == GOLDEN | parameters


@pytest.mark.parametrize(
    ("change", "behaviour"),
    [
        ({"lease_action": LeaseAction.STOP}, "stop"),
        ({"hibernation": RootVolume(device="/dev/xvda", gib=24)}, "hibernate"),
    ],
)
def test_spot_instances_that_can_be_stopped_are_of_persistent_requests(
    change: dict[str, object], behaviour: str
) -> None:
    changed = msgspec.structs.replace(REQUEST, market=Market.SPOT, **change)
    tagged = requests.run_instances(changed).get("TagSpecifications", [])
    assert [one.get("ResourceType") for one in tagged][-1] == "spot-instances-request"
    options = spot(SpotInstanceType="persistent", InstanceInterruptionBehavior=behaviour)
    assert requests.run_instances(changed).get("InstanceMarketOptions") == options


def test_without_tags_there_is_no_tag_specification() -> None:
    untagged = msgspec.structs.replace(REQUEST, tags={})
    assert "TagSpecifications" not in requests.run_instances(untagged)


def test_the_order_of_tags_does_not_change_a_request() -> None:
    turned = msgspec.structs.replace(REQUEST, tags={"a": "1", "b": "2"})
    assert requests.run_instances(turned) == requests.run_instances(REQUEST)


def test_instance_filters() -> None:
    assert requests.instance_filters({"b": "2", "a": "1"}, [InstanceState.PENDING]) == [
        {"Name": "tag:a", "Values": ["1"]},
        {"Name": "tag:b", "Values": ["2"]},
        {"Name": "instance-state-name", "Values": ["pending"]},
    ]
    assert requests.instance_filters({}, []) == []


@pytest.mark.parametrize(
    ("cidr", "ranges"),
    [
        ("10.0.0.0/8", {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}),
        ("2001:db8::/32", {"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}),
    ],
)
def test_ssh_rule(cidr: str, ranges: dict[str, object]) -> None:
    assert (
        requests.ssh_from(cidr)
        == {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
        }
        | ranges
    )
