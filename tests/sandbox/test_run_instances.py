import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, image, run, until


@pytest.fixture(scope="session")
def ec2(quick: RunningSandbox) -> Any:
    return quick.client("ec2")


@pytest.fixture(scope="session")
def ami(quick: RunningSandbox) -> str:
    return image(quick)


def error_of(call: Any, **asked: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer: Any = caught.value.response
    error = answer["Error"]
    return error["Code"], error["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def with_token(ec2: Any, token: str) -> list[dict[str, Any]]:
    return described(ec2, Filters=[{"Name": "client-token", "Values": [token]}])


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


def new_subnet(ec2: Any, block: str) -> str:
    vpc = ec2.create_vpc(CidrBlock=f"{block[:4]}.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone="us-east-1a")
    return made["Subnet"]["SubnetId"]


class TestIdempotency:
    def test_the_same_request_is_the_same_reservation(self, ec2: Any, ami: str) -> None:
        first = run(ec2, ami, 3, ClientToken="same")
        until(ec2, "running", ids(first))
        again = run(ec2, ami, 3, ClientToken="same")
        assert again["ReservationId"] == first["ReservationId"]
        index = {one["InstanceId"]: one["AmiLaunchIndex"] for one in first["Instances"]}
        assert {o["InstanceId"]: o["AmiLaunchIndex"] for o in again["Instances"]} == index
        assert {o["State"]["Name"] for o in again["Instances"]} == {"running"}
        assert len(with_token(ec2, "same")) == 3

    def test_other_parameters_are_a_mismatch(self, ec2: Any, ami: str) -> None:
        run(ec2, ami, ClientToken="mismatch")
        code, text, status = error_of(
            ec2.run_instances,
            ImageId=ami,
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.small",
            ClientToken="mismatch",
        )
        assert (code, status) == ("IdempotentParameterMismatch", 400)
        assert "inconsistent with arguments used in previous request" in text

    def test_ended_instances_burn_the_token(self, ec2: Any, ami: str) -> None:
        made = ids(run(ec2, ami, 2, ClientToken="ended"))
        ec2.terminate_instances(InstanceIds=made[:1])
        assert len(run(ec2, ami, 2, ClientToken="ended")["Instances"]) == 2
        ec2.terminate_instances(InstanceIds=made[1:])
        with pytest.raises(ClientError, match="IdempotentInstanceTerminated"):
            run(ec2, ami, 2, ClientToken="ended")

    def test_a_token_counts_in_its_zone(self, ec2: Any, ami: str) -> None:
        zones = [{"AvailabilityZone": f"us-east-1{letter}"} for letter in "ab"]
        one, two = (run(ec2, ami, ClientToken="zonal", Placement=zone) for zone in zones)
        assert one["ReservationId"] != two["ReservationId"]
        again = run(ec2, ami, ClientToken="zonal", Placement=zones[0])
        assert again["ReservationId"] == one["ReservationId"]

    def test_a_lost_reply_is_found_again(self, ec2: Any, ami: str, cloud: RunningSandbox) -> None:
        cloud.admin.post("fault", {"api": "RunInstances", "kind": "lost-reply"})
        with pytest.raises(ConnectionClosedError):
            run(ec2, ami, 4, ClientToken="lost")
        assert len(with_token(ec2, "lost")) == 4
        assert len(run(ec2, ami, 4, ClientToken="lost")["Instances"]) == 4
        assert len(with_token(ec2, "lost")) == 4

    def test_duplicates_at_once_make_one_reservation(self, ec2: Any, ami: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            many = [pool.submit(run, ec2, ami, 2, ClientToken="crowd") for _ in range(16)]
        assert len({one.result()["ReservationId"] for one in many}) == 1
        assert len(with_token(ec2, "crowd")) == 2

    def test_without_a_token_of_ones_own_every_call_launches(self, ec2: Any, ami: str) -> None:
        assert run(ec2, ami)["ReservationId"] != run(ec2, ami)["ReservationId"]


class TestCapacity:
    POOL: dict[str, Any] = {"instance_type": "m5.large", "zone": "us-east-1a"}  # noqa: RUF012  constant
    HERE: dict[str, Any] = {  # noqa: RUF012  constant
        "InstanceType": "m5.large",
        "Placement": {"AvailabilityZone": "us-east-1a"},
    }

    def test_a_launch_gets_what_there_is_from_min_to_max(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("capacity", {**self.POOL, "free": 3})
        made = run(ec2, ami, MinCount=2, MaxCount=5, **self.HERE)
        assert len(made["Instances"]) == 3

    def test_below_min_count_nothing_is_launched(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("capacity", {**self.POOL, "free": 3})
        code, text, status = error_of(
            ec2.run_instances,
            ImageId=ami,
            MinCount=4,
            MaxCount=4,
            ClientToken="none",
            **self.HERE,
        )
        assert (code, status) == ("InsufficientInstanceCapacity", 500)
        assert text.startswith(
            "We currently do not have sufficient m5.large capacity in the Availability Zone you "
            "requested (us-east-1a). Our system will be working on provisioning additional "
            "capacity. You can currently get m5.large capacity by not specifying an Availability "
            "Zone in your request or choosing us-east-1b"
        )
        assert with_token(ec2, "none") == []
        assert len(run(ec2, ami, 3, **self.HERE)["Instances"]) == 3

    def test_a_failed_launch_does_not_burn_its_token(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("capacity", {**self.POOL, "free": 0})
        with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
            run(ec2, ami, ClientToken="retry", **self.HERE)
        cloud.admin.post("capacity", {**self.POOL, "free": 1})
        assert len(run(ec2, ami, ClientToken="retry", **self.HERE)["Instances"]) == 1

    def test_termination_gives_the_place_back(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("capacity", {**self.POOL, "free": 1})
        made = ids(run(ec2, ami, **self.HERE))
        with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
            run(ec2, ami, **self.HERE)
        ec2.terminate_instances(InstanceIds=made)
        until(ec2, "terminated", made)
        assert len(run(ec2, ami, **self.HERE)["Instances"]) == 1

    def test_spot_is_a_pool_of_its_own(self, ec2: Any, ami: str, cloud: RunningSandbox) -> None:
        cloud.admin.post("capacity", {**self.POOL, "market": "spot", "free": 0})
        spot: dict[str, Any] = {"InstanceMarketOptions": {"MarketType": "spot"}}
        with pytest.raises(ClientError, match="no Spot capacity available"):
            run(ec2, ami, **self.HERE, **spot)
        assert len(run(ec2, ami, **self.HERE)["Instances"]) == 1

    def test_without_a_zone_one_that_has_capacity_is_chosen(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("capacity", {"instance_type": "m5.large", "free": 0})
        cloud.admin.post("capacity", {"instance_type": "m5.large", "zone": "us-east-1c"})
        (one,) = run(ec2, ami, InstanceType="m5.large")["Instances"]
        assert one["Placement"]["AvailabilityZone"] == "us-east-1c"

    def test_start_needs_a_place_too(self, ec2: Any, ami: str, cloud: RunningSandbox) -> None:
        made = ids(run(ec2, ami, **self.HERE))
        until(ec2, "running", made)
        ec2.stop_instances(InstanceIds=made)
        until(ec2, "stopped", made)
        cloud.admin.post("capacity", {**self.POOL, "free": 0})
        with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
            ec2.start_instances(InstanceIds=made)

    def test_a_quota_is_counted_in_vcpus(self, cloud: RunningSandbox) -> None:
        region = "us-west-1"
        ec2, there = cloud.client("ec2", region=region), image(cloud, region=region)
        cloud.admin.post("quota", {"vcpus": 8})
        assert len(run(ec2, there, MaxCount=10, InstanceType="m5.large")["Instances"]) == 4
        code, text, status = error_of(
            ec2.run_instances, ImageId=there, MinCount=1, MaxCount=1, InstanceType="m5.large"
        )
        assert (code, status) == ("VcpuLimitExceeded", 400)
        assert "your current vCPU limit of 8 allows for the instance bucket" in text

    def test_a_full_subnet_launches_nothing(self, ec2: Any, ami: str) -> None:
        subnet = new_subnet(ec2, "10.9.1.0/28")
        with pytest.raises(ClientError, match="InsufficientFreeAddressesInSubnet"):
            run(ec2, ami, 12, SubnetId=subnet)
        assert described(ec2, Filters=[{"Name": "subnet-id", "Values": [subnet]}]) == []
        assert len(run(ec2, ami, 11, SubnetId=subnet)["Instances"]) == 11


def test_5000_launches_over_time_fit_one_subnet(ec2: Any, ami: str) -> None:
    subnet = new_subnet(ec2, "10.8.0.0/22")
    for _ in range(5):
        made = ids(run(ec2, ami, 1000, SubnetId=subnet))
        ec2.terminate_instances(InstanceIds=made)
        until(ec2, "terminated", made[-1:])


class TestProfiles:
    TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})

    def make(self, cloud: RunningSandbox, name: str, *, role: bool = True) -> str:
        iam = cloud.client("iam")
        made = iam.create_instance_profile(InstanceProfileName=name, Path="/spawn/")
        if role:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.TRUST)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return made["InstanceProfile"]["Arn"]

    def test_every_instance_has_it(self, ec2: Any, ami: str, cloud: RunningSandbox) -> None:
        arn = self.make(cloud, "every")
        made = run(ec2, ami, 3, IamInstanceProfile={"Name": "every"})
        assert [one["IamInstanceProfile"]["Arn"] for one in made["Instances"]] == [arn] * 3
        found = described(ec2, Filters=[{"Name": "iam-instance-profile.arn", "Values": [arn]}])
        assert len(found) == 3

    @pytest.mark.parametrize(
        ("asked", "text"),
        [
            (
                {"Name": "absent"},
                (
                    "Value (absent) for parameter iamInstanceProfile.name is invalid. "
                    "Invalid IAM Instance Profile name"
                ),
            ),
            (
                {"Arn": "arn:aws:iam::123456789012:instance-profile/absent"},
                (
                    "Value (arn:aws:iam::123456789012:instance-profile/absent) for parameter "
                    "iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
                ),
            ),
        ],
    )
    def test_an_unknown_one_is_refused_in_ec2s_words(
        self, ec2: Any, ami: str, asked: dict[str, str], text: str
    ) -> None:
        refused = error_of(
            ec2.run_instances, ImageId=ami, MinCount=1, MaxCount=1, IamInstanceProfile=asked
        )
        assert refused == ("InvalidParameterValue", text, 400)

    def test_one_without_a_role_is_refused(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        self.make(cloud, "bare", role=False)
        with pytest.raises(ClientError, match=" has no associated IAM Roles"):
            run(ec2, ami, IamInstanceProfile={"Name": "bare"})

    def test_a_new_one_is_unknown_until_it_has_propagated(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("lifecycle", {"profile_propagation": 3600})
        self.make(cloud, "slow")
        with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
            run(ec2, ami, IamInstanceProfile={"Name": "slow"})
        cloud.admin.post("lifecycle", {"profile_propagation": 0})
        assert len(run(ec2, ami, IamInstanceProfile={"Name": "slow"})["Instances"]) == 1


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
    assert error_of(ec2.run_instances, **asked)[0] == code
    after = cloud.admin.state()["regions"]["us-east-1"]["instances"]
    assert sum(after.values()) == sum(before.values())


def test_user_data_of_16_kib_is_accepted_and_read_back(ec2: Any, ami: str) -> None:
    (one,) = run(ec2, ami, UserData="x" * 16 * 1024)["Instances"]
    found = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")
    assert found["UserData"]["Value"] == encoded(16 * 1024)


def test_a_dry_run_is_412(ec2: Any, ami: str) -> None:
    asked = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    code, text, status = error_of(ec2.run_instances, DryRun=True, **asked)
    assert (code, status) == ("DryRunOperation", 412)
    assert text == "Request would have succeeded, but DryRun flag is set."


def test_a_launch_template_stands_under_the_call(ec2: Any, ami: str) -> None:
    data = {
        "ImageId": ami,
        "InstanceType": "m5.large",
        "UserData": encoded(5),
        "InstanceMarketOptions": {"MarketType": "spot"},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}
        ],
    }
    ec2.create_launch_template(LaunchTemplateName="base", LaunchTemplateData=data)
    named = {"LaunchTemplateName": "base"}
    made = ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate=named, InstanceType="t3.nano")
    (one,) = made["Instances"]
    assert (one["InstanceType"], one["InstanceLifecycle"]) == ("t3.nano", "spot")
    assert one["Tags"] == [{"Key": "from", "Value": "template"}]


def test_a_fleets_instances_live_as_others_do(ec2: Any, ami: str) -> None:
    ec2.create_launch_template(
        LaunchTemplateName="fleet", LaunchTemplateData={"ImageId": ami, "InstanceType": "t3.nano"}
    )
    fleet = ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {"LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "$Latest"}}
        ],
        TargetCapacitySpecification={
            "TotalTargetCapacity": 2,
            "DefaultTargetCapacityType": "on-demand",
        },
    )
    made = [one for group in fleet["Instances"] for one in group["InstanceIds"]]
    assert len(made) == 2
    until(ec2, "running", made)
    ec2.terminate_instances(InstanceIds=made)
    until(ec2, "terminated", made)


def test_both_architectures_launch_in_every_region(cloud: RunningSandbox) -> None:
    for region in ("us-east-1", "eu-west-1", "mx-central-1"):
        ec2 = cloud.client("ec2", region=region)
        for architecture, kind in (("x86_64", "t3.micro"), ("arm64", "t4g.micro")):
            ami = image(cloud, architecture, region)
            (found,) = ec2.describe_images(ImageIds=[ami])["Images"]
            assert found["Architecture"] == architecture
            (one,) = run(ec2, ami, InstanceType=kind)["Instances"]
            assert one["Architecture"] == architecture
