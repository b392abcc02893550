"""Whatever is asked, the answer is an AWS error or the truth, never a crash."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import image

SCOPE = "Credential=AKIA1/20260101/eu-north-1/{}/aws4_request, SignedHeaders=host, Signature=0"
ACTIONS = [
    "RunInstances",
    "DescribeInstances",
    "DescribeInstanceStatus",
    "TerminateInstances",
    "StopInstances",
    "StartInstances",
    "RebootInstances",
    "CreateTags",
    "DeleteTags",
    "DescribeInstanceTypes",
    "DescribeInstanceTypeOfferings",
]
NAMES = [
    "ImageId",
    "MinCount",
    "MaxCount",
    "InstanceType",
    "InstanceId.1",
    "ResourceId.1",
    "Tag.1.Key",
    "Tag.1.Value",
    "Tag.1",
    "Filter.1.Name",
    "Filter.1.Value.1",
    "Filter.2.Value.1",
    "MaxResults",
    "NextToken",
    "UserData",
    "ClientToken",
    "SubnetId",
    "SecurityGroupId.1",
    "Placement.AvailabilityZone",
    "NetworkInterface.1.DeviceIndex",
    "NetworkInterface.1.SubnetId",
    "BlockDeviceMapping.1.DeviceName",
    "BlockDeviceMapping.1.Ebs.VolumeSize",
    "TagSpecification.1.ResourceType",
    "TagSpecification.1.Tag.1.Key",
    "IamInstanceProfile.Name",
    "LaunchTemplate.Version",
    "PrivateIpAddress",
    "InstanceMarketOptions.MarketType",
    "MetadataOptions.HttpPutResponseHopLimit",
    "LocationType",
    "DryRun",
    "InstanceType.1",
]
VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "-1",
            "5",
            "1000000",
            "true",
            "t3.micro",
            "instance",
            "tag:x",
            "*",
            "[",
            "\\",
        ]
    ),
    st.sampled_from(["i-0123456789abcdef0", "ami-1", "sg-1", "subnet-1", "eu-north-1a", "vol-1"]),
    st.text(max_size=20),
)


class Raw:
    """Sends what no SDK would."""

    def __init__(self, cloud: RunningSandbox) -> None:
        address = urlsplit(cloud.endpoint)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=30)

    def send(self, service: str, body: str, kind: str, **headers: str) -> tuple[int, bytes]:
        signed = {"Authorization": f"AWS4-HMAC-SHA256 {SCOPE.format(service)}"}
        given = {**signed, "Content-Type": kind, **headers}
        self._connection.request("POST", "/", body.encode(), given)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def raw(quick: RunningSandbox) -> Any:
    raw = Raw(quick)
    yield raw
    raw.close()


@pytest.fixture(scope="module")
def good(quick: RunningSandbox) -> dict[str, str]:
    """A launch that would succeed."""
    ami = image(quick, region="eu-north-1")
    return {"ImageId": ami, "InstanceType": "t3.micro", "MinCount": "1", "MaxCount": "1"}


SLOW_MACHINE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW_MACHINE
@given(
    action=st.sampled_from(ACTIONS),
    asked=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
)
def test_no_parameters_crash_an_ec2_call(
    raw: Raw, good: dict[str, str], action: str, asked: dict[str, str]
) -> None:
    base = good if action == "RunInstances" else {}
    given = {"Action": action, "Version": "2016-11-15", **base, **asked}
    form = urlencode(given, errors="replace")
    status, body = raw.send("ec2", form, "application/x-www-form-urlencoded")
    assert status in {200, 400, 401, 412}, body
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')


@SLOW_MACHINE
@given(
    body=st.one_of(
        st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.integers())).map(json.dumps)
    )
)
def test_no_body_crashes_a_long_poll(raw: Raw, body: str) -> None:
    target = {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    status, answer = raw.send("sqs", body, "application/x-amz-json-1.0", **target)
    assert 400 <= status < 500, answer
    assert "__type" in json.loads(answer)
