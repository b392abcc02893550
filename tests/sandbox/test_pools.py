from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, image, refusal, run, until, with_token


def new_subnet(ec2: Any, block: str) -> str:
    vpc = ec2.create_vpc(CidrBlock=f"{block[:4]}.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone="us-east-1a")
    return made["Subnet"]["SubnetId"]


POOL: dict[str, Any] = {"instance_type": "m5.large", "zone": "us-east-1a"}
HERE: dict[str, Any] = {
    "InstanceType": "m5.large",
    "Placement": {"AvailabilityZone": "us-east-1a"},
}


def test_a_launch_gets_what_there_is_from_min_to_max(
    ec2: Any, ami: str, cloud: RunningSandbox
) -> None:
    cloud.admin.post("capacity", {**POOL, "free": 3})
    made = run(ec2, ami, MinCount=2, MaxCount=5, **HERE)
    assert len(made["Instances"]) == 3


def test_below_min_count_nothing_is_launched(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("capacity", {**POOL, "free": 3})
    code, text, status = refusal(
        ec2.run_instances,
        ImageId=ami,
        MinCount=4,
        MaxCount=4,
        ClientToken="none",
        **HERE,
    )
    assert (code, status) == ("InsufficientInstanceCapacity", 500)
    assert text.startswith(
        "We currently do not have sufficient m5.large capacity in the Availability Zone you "
        "requested (us-east-1a). Our system will be working on provisioning additional "
        "capacity. You can currently get m5.large capacity by not specifying an Availability "
        "Zone in your request or choosing us-east-1b"
    )
    assert with_token(ec2, "none") == []
    assert len(run(ec2, ami, 3, **HERE)["Instances"]) == 3


def test_a_failed_launch_does_not_burn_its_token(
    ec2: Any, ami: str, cloud: RunningSandbox
) -> None:
    cloud.admin.post("capacity", {**POOL, "free": 0})
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        run(ec2, ami, ClientToken="retry", **HERE)
    cloud.admin.post("capacity", {**POOL, "free": 1})
    assert len(run(ec2, ami, ClientToken="retry", **HERE)["Instances"]) == 1


def test_termination_gives_the_place_back(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("capacity", {**POOL, "free": 1})
    made = ids(run(ec2, ami, **HERE))
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        run(ec2, ami, **HERE)
    ec2.terminate_instances(InstanceIds=made)
    until(ec2, "terminated", made)
    assert len(run(ec2, ami, **HERE)["Instances"]) == 1


def test_spot_is_a_pool_of_its_own(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("capacity", {**POOL, "market": "spot", "free": 0})
    spot: dict[str, Any] = {"InstanceMarketOptions": {"MarketType": "spot"}}
    with pytest.raises(ClientError, match="no Spot capacity available"):
        run(ec2, ami, **HERE, **spot)
    assert len(run(ec2, ami, **HERE)["Instances"]) == 1


def test_without_a_zone_one_that_has_capacity_is_chosen(
    ec2: Any, ami: str, cloud: RunningSandbox
) -> None:
    cloud.admin.post("capacity", {"instance_type": "m5.large", "free": 0})
    cloud.admin.post("capacity", {"instance_type": "m5.large", "zone": "us-east-1c"})
    (one,) = run(ec2, ami, InstanceType="m5.large")["Instances"]
    assert one["Placement"]["AvailabilityZone"] == "us-east-1c"


def test_start_needs_a_place_too(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    made = ids(run(ec2, ami, **HERE))
    until(ec2, "running", made)
    ec2.stop_instances(InstanceIds=made)
    until(ec2, "stopped", made)
    cloud.admin.post("capacity", {**POOL, "free": 0})
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        ec2.start_instances(InstanceIds=made)


def test_a_quota_is_counted_in_vcpus(cloud: RunningSandbox) -> None:
    region = "us-west-1"
    ec2, there = cloud.client("ec2", region=region), image(cloud, region=region)
    cloud.admin.post("quota", {"vcpus": 8})
    assert len(run(ec2, there, MaxCount=10, InstanceType="m5.large")["Instances"]) == 4
    code, text, status = refusal(
        ec2.run_instances, ImageId=there, MinCount=1, MaxCount=1, InstanceType="m5.large"
    )
    assert (code, status) == ("VcpuLimitExceeded", 400)
    assert "your current vCPU limit of 8 allows for the instance bucket" in text


def test_a_full_subnet_launches_nothing(ec2: Any, ami: str) -> None:
    subnet = new_subnet(ec2, "10.9.1.0/28")
    with pytest.raises(ClientError, match="InsufficientFreeAddressesInSubnet"):
        run(ec2, ami, 12, SubnetId=subnet)
    assert described(ec2, Filters=[{"Name": "subnet-id", "Values": [subnet]}]) == []
    assert len(run(ec2, ami, 11, SubnetId=subnet)["Instances"]) == 11


def test_addresses_are_used_again(ec2: Any, ami: str) -> None:
    subnet = new_subnet(ec2, "10.8.0.0/26")
    for _ in range(8):
        made = ids(run(ec2, ami, 59, SubnetId=subnet))
        ec2.terminate_instances(InstanceIds=made)
        until(ec2, "terminated", made)
