import base64
from typing import Any

import pytest

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import image, refusal, run


def test_an_instance_has_the_fields_that_people_read(ec2: Any, ami: str) -> None:
    tags = [{"Key": "Name", "Value": "a <b> & 'c'"}]
    made = run(
        ec2,
        ami,
        ClientToken="fields",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        InstanceInitiatedShutdownBehavior="terminate",
        Monitoring={"Enabled": True},
    )
    (one,) = made["Instances"]
    assert made["OwnerId"] == "123456789012"
    assert made["ReservationId"].startswith("r-")
    assert one["State"] == {"Code": 0, "Name": "pending"}
    assert one["StateReason"] == {"Code": "pending", "Message": "pending"}
    assert (one["ClientToken"], one["AmiLaunchIndex"], one["Tags"]) == ("fields", 0, tags)
    assert one["Placement"]["AvailabilityZone"].startswith("us-east-1")
    assert one["PrivateDnsName"] == f"ip-{one['PrivateIpAddress'].replace('.', '-')}.ec2.internal"
    assert one["SecurityGroups"][0]["GroupName"] == "default"
    assert one["NetworkInterfaces"][0]["SubnetId"] == one["SubnetId"]
    assert one["MetadataOptions"]["HttpTokens"] == "required"
    assert one["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert one["Monitoring"]["State"] == "enabled"
    assert (one["Architecture"], one["RootDeviceName"]) == ("x86_64", "/dev/xvda")
    assert "InstanceLifecycle" not in one
    behaviour = ec2.describe_instance_attribute(
        InstanceId=one["InstanceId"], Attribute="instanceInitiatedShutdownBehavior"
    )
    assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def test_a_spot_instance_says_so(ec2: Any, ami: str) -> None:
    (one,) = run(ec2, ami, InstanceMarketOptions={"MarketType": "spot"})["Instances"]
    assert one["InstanceLifecycle"] == "spot"
    assert one["SpotInstanceRequestId"].startswith("sir-")


def test_launch_indexes_count_from_0(ec2: Any, ami: str) -> None:
    made = run(ec2, ami, 5)
    assert sorted(one["AmiLaunchIndex"] for one in made["Instances"]) == [0, 1, 2, 3, 4]
    assert len({one["PrivateIpAddress"] for one in made["Instances"]}) == 5


def encoded(size: int) -> str:
    return base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "nonsense"}, "InvalidAMIID.Malformed"),
        ({"InstanceType": "t9.mega"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"SecurityGroups": ["absent"]}, "InvalidGroup.NotFound"),
        ({"KeyName": "absent"}, "InvalidKeyPair.NotFound"),
        ({"UserData": "x" * (16 * 1024 + 1)}, "InvalidParameterValue"),
        ({"MinCount": 0}, "InvalidParameterValue"),
        ({"MaxCount": -1}, "InvalidParameterValue"),
        ({"MinCount": 5, "MaxCount": 1}, "InvalidParameterCombination"),
        ({"ClientToken": "t" * 65}, "InvalidParameterValue"),
        ({"Placement": {"AvailabilityZone": "eu-west-1a"}}, "InvalidParameterValue"),
        (
            {"InstanceType": "g5.xlarge", "Placement": {"AvailabilityZone": "us-east-1e"}},
            "Unsupported",
        ),
        (
            {"LaunchTemplate": {"LaunchTemplateName": "absent"}},
            "InvalidLaunchTemplateName.NotFoundException",
        ),
        ({"PrivateIpAddress": "10.250.0.1"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "x", "MaxCount": 2}, "InvalidParameterCombination"),
        ({"InstanceInitiatedShutdownBehavior": "sleep"}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
        ({"DryRun": True, "KeyName": "absent"}, "InvalidKeyPair.NotFound"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_bad_launch_is_refused_and_leaves_nothing(
    ec2: Any, ami: str, cloud: RunningSandbox, changes: dict[str, Any], code: str
) -> None:
    before = cloud.admin.state()["regions"]["us-east-1"]["instances"]
    asked = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **changes}
    assert refusal(ec2.run_instances, **asked)[0] == code
    after = cloud.admin.state()["regions"]["us-east-1"]["instances"]
    assert sum(after.values()) == sum(before.values())


def test_a_type_that_the_region_lacks_is_refused(cloud: RunningSandbox) -> None:
    region = "ap-southeast-5"
    ec2, there = cloud.client("ec2", region=region), image(cloud, region=region)
    asked = {"ImageId": there, "MinCount": 1, "MaxCount": 1, "InstanceType": "trn1.2xlarge"}
    assert refusal(ec2.run_instances, **asked)[0] == "Unsupported"


def test_user_data_of_16_kib_is_accepted_and_read_back(ec2: Any, ami: str) -> None:
    (one,) = run(ec2, ami, UserData="x" * 16 * 1024)["Instances"]
    found = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")
    assert found["UserData"]["Value"] == encoded(16 * 1024)


def test_a_dry_run_is_412(ec2: Any, ami: str) -> None:
    asked = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    code, text, status = refusal(ec2.run_instances, DryRun=True, **asked)
    assert (code, status) == ("DryRunOperation", 412)
    assert text == "Request would have succeeded, but DryRun flag is set."


def test_both_architectures_launch_in_every_region(cloud: RunningSandbox) -> None:
    for region in ("us-east-1", "eu-west-1", "mx-central-1"):
        ec2 = cloud.client("ec2", region=region)
        for architecture, kind in (("x86_64", "t3.micro"), ("arm64", "t4g.micro")):
            ami = image(cloud, architecture, region)
            (found,) = ec2.describe_images(ImageIds=[ami])["Images"]
            assert found["Architecture"] == architecture
            (one,) = run(ec2, ami, InstanceType=kind)["Instances"]
            assert one["Architecture"] == architecture
