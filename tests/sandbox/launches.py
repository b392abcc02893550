"""What many tests of EC2 do: launch, look, wait for a state."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox

AMI_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{}"


def image(cloud: RunningSandbox, architecture: str = "x86_64", region: str | None = None) -> str:
    ssm = cloud.client("ssm", region=region)
    found = ssm.get_parameter(Name=AMI_PARAMETER.format(architecture))
    return found["Parameter"]["Value"]


def run(ec2: Any, ami: str, count: int = 1, **more: Any) -> dict[str, Any]:
    asked = {"ImageId": ami, "MinCount": count, "MaxCount": count, "InstanceType": "t3.micro"}
    return ec2.run_instances(**{**asked, **more})


def ids(reservation: dict[str, Any]) -> list[str]:
    return [instance["InstanceId"] for instance in reservation["Instances"]]


def described(ec2: Any, **asked: Any) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_instances").paginate(**asked)
    return [one for page in pages for r in page["Reservations"] for one in r["Instances"]]


def until(ec2: Any, state: str, instance_ids: list[str]) -> None:
    """Wait for a state, looking without a pause: the sandbox answers in milliseconds."""
    waiter = ec2.get_waiter(f"instance_{state}")
    waiter.wait(InstanceIds=instance_ids, WaiterConfig={"Delay": 0, "MaxAttempts": 20_000})


def refusal(call: Any, **asked: Any) -> tuple[str, str, int]:
    """Return code, text and HTTP status of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer: Any = caught.value.response
    error = answer["Error"]
    return error["Code"], error["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def with_token(ec2: Any, token: str) -> list[dict[str, Any]]:
    return described(ec2, Filters=[{"Name": "client-token", "Values": [token]}])


def refused(call: Any, **asked: Any) -> tuple[str, int]:
    """Return code and HTTP status of a call that must be refused."""
    code, _, status = refusal(call, **asked)
    return code, status
