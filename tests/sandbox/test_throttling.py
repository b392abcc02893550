from collections.abc import Generator
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.sandbox.launches import image, refused, run

SDK: Any = boto3


@pytest.fixture(scope="module")
def throttled(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A sandbox as it starts when nothing is set."""
    with running_sandbox(tmp_path_factory.mktemp("throttled")) as sandbox:
        yield sandbox


def run_often(ec2: Any, ami: str) -> None:
    for _ in range(500):
        run(ec2, ami)


def test_ec2s_buckets_are_on_by_default(throttled: RunningSandbox) -> None:
    ec2, ami = throttled.client("ec2"), image(throttled)
    with pytest.raises(ClientError) as caught:
        run_often(ec2, ami)
    answer: Any = caught.value.response
    assert answer["Error"] == {
        "Code": "RequestLimitExceeded",
        "Message": "Request limit exceeded.",
    }
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    seen = throttled.admin.state()["regions"]["us-east-1"]
    assert seen["calls"]["ec2.RunInstances"] > 5
    assert seen["throttled"] == {"ec2.RunInstances": 1}
    # Another region has tokens of its own.
    run(throttled.client("ec2", region="eu-west-1"), image(throttled, region="eu-west-1"))


@pytest.mark.parametrize("mode", ["standard", "legacy"])
def test_sdks_know_a_throttle_when_they_see_it(cloud: RunningSandbox, mode: Any) -> None:
    limit = {"code": "RequestLimitExceeded", "status": 503}
    cloud.admin.post("fault", {"api": "DescribeVpcs", **limit})
    ec2 = SDK.client(
        "ec2",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key=cloud.secret_access_key,
        config=Config(retries={"mode": mode, "total_max_attempts": 2}),
    )
    assert ec2.describe_vpcs()["ResponseMetadata"]["RetryAttempts"] == 1


def test_instances_are_counted_apart_and_given_back(throttled: RunningSandbox) -> None:
    rule = {"api": "RunInstances", "resources": {"burst": 10, "per_second": 0}}
    throttled.admin.post("throttle", {"rules": [rule]})
    ec2, ami = throttled.client("ec2"), image(throttled)
    throttled.admin.post("capacity", {"instance_type": "m5.large", "free": 4})
    here: dict[str, Any] = {"InstanceType": "m5.large", "ClientToken": "counted"}
    assert len(run(ec2, ami, MinCount=1, MaxCount=10, **here)["Instances"]) == 4
    assert len(run(ec2, ami, MinCount=1, MaxCount=6, ClientToken="six")["Instances"]) == 6
    assert refused(run, ec2=ec2, ami=ami) == ("RequestLimitExceeded", 503)


def test_an_unfiltered_describe_has_the_smaller_bucket(throttled: RunningSandbox) -> None:
    empty = {"burst": 0, "per_second": 0}
    rule = {"api": "DescribeInstances+unfiltered", "requests": empty}
    throttled.admin.post("throttle", {"rules": [rule]})
    ec2 = throttled.client("ec2")
    assert refused(ec2.describe_instances) == ("RequestLimitExceeded", 503)
    ec2.describe_instances(MaxResults=5)
    ec2.describe_instances(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])


def test_other_services_can_be_throttled_in_their_own_shape(throttled: RunningSandbox) -> None:
    none = {"requests": {"burst": 0, "per_second": 0}}
    rules = [
        {"service": "route53", "api": "*", **none},
        {"service": "sqs", "api": "ListQueues", **none},
        {"service": "iam", "api": "*", **none},
    ]
    throttled.admin.post("throttle", {"rules": rules})
    route53, sqs, iam = (throttled.client(s) for s in ("route53", "sqs", "iam"))
    assert refused(route53.list_hosted_zones) == ("Throttling", 400)
    assert refused(sqs.list_queues) == ("ThrottlingException", 400)
    assert refused(iam.list_roles) == ("Throttling", 400)
