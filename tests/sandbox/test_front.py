import socket
import urllib.error
import urllib.request
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import refused

SDK: Any = boto3


class TestFaults:
    def test_the_next_calls_fail_with_the_error(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2")
        body = {"api": "DescribeVpcs", "code": "Unavailable", "status": 503, "count": 2}
        cloud.admin.post("fault", body)
        assert cloud.admin.state()["faults"][0]["count"] == 2
        assert refused(ec2.describe_vpcs) == ("Unavailable", 503)
        assert refused(ec2.describe_vpcs) == ("Unavailable", 503)
        assert ec2.describe_vpcs()["Vpcs"]
        assert cloud.admin.state()["faults"] == []

    def test_an_sdk_retries_what_is_retryable(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2", attempts=3)
        cloud.admin.post("fault", {"api": "DescribeVpcs"})
        assert ec2.describe_vpcs()["ResponseMetadata"]["RetryAttempts"] == 1

    def test_a_lost_reply_was_performed(self, cloud: RunningSandbox) -> None:
        sqs = cloud.client("sqs")
        cloud.admin.post("fault", {"service": "sqs", "api": "CreateQueue", "kind": "lost-reply"})
        with pytest.raises(ConnectionClosedError):
            sqs.create_queue(QueueName="performed")
        assert sqs.get_queue_url(QueueName="performed")["QueueUrl"]

    def test_a_hang_performs_nothing_and_never_answers(self, cloud: RunningSandbox) -> None:
        sqs = SDK.client(
            "sqs",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=cloud.access_key_id,
            aws_secret_access_key=cloud.secret_access_key,
            config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}),
        )
        cloud.admin.post("fault", {"service": "sqs", "api": "CreateQueue", "kind": "hang"})
        with pytest.raises(ReadTimeoutError):
            sqs.create_queue(QueueName="hung")
        code, _ = refused(sqs.get_queue_url, QueueName="hung")
        assert code == "AWS.SimpleQueueService.NonExistentQueue"


def test_latency_is_added_before_the_call(cloud: RunningSandbox) -> None:
    cloud.admin.post("latency", {"service": "sqs", "api": "CreateQueue", "delay": 3600})
    slow = SDK.client(
        "sqs",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key=cloud.secret_access_key,
        config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ReadTimeoutError):
        slow.create_queue(QueueName="late")
    code, _ = refused(slow.get_queue_url, QueueName="late")
    assert code == "AWS.SimpleQueueService.NonExistentQueue"


class TestWhatMotoLacks:
    def test_an_unknown_operation_is_an_aws_error(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2")
        assert refused(ec2.describe_placement_groups) == ("UnsupportedOperation", 400)

    def test_an_unknown_service_is_an_aws_error(self, cloud: RunningSandbox) -> None:
        pricing, quotas = cloud.client("pricing"), cloud.client("service-quotas")
        assert refused(pricing.describe_services) == ("UnsupportedOperation", 400)
        asked = {"ServiceCode": "ec2"}
        assert refused(quotas.list_service_quotas, **asked) == ("UnsupportedOperation", 400)

    def test_an_unknown_filter_is_named(self, cloud: RunningSandbox) -> None:
        with pytest.raises(ClientError, match="The filter 'colour' is invalid"):
            cloud.client("ec2").describe_subnets(Filters=[{"Name": "colour", "Values": ["x"]}])

    def test_an_unknown_region_is_refused(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2", region="nowhere-1")
        with pytest.raises(ClientError, match="The region 'nowhere-1' does not exist"):
            ec2.describe_vpcs()

    def test_motos_own_doors_are_closed(self, cloud: RunningSandbox) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{cloud.endpoint}/moto-api/reset", data=b"")
        assert caught.value.code == 404
        caught.value.close()


class TestHttp:
    def test_a_connection_is_kept(self, cloud: RunningSandbox) -> None:
        address = urlsplit(cloud.endpoint)
        connection = HTTPConnection(address.hostname or "", address.port)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        kept = connection.sock
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        assert connection.sock is kept
        connection.close()

    @pytest.mark.parametrize(
        "junk",
        [
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd",
            b"GET /%ff%00?X-Amz-Credential=a/b HTTP/1.1\r\nHost: x\r\n\r\n",
            (
                b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential="
                b"A/20260101/us-east-1/ec2/aws4_request\r\nContent-Length: 0\r\n\r\n"
            ),
            b"BREW / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: .\r\n\r\n",
        ],
        ids=["bytes", "path", "no action", "method"],
    )
    def test_junk_is_answered_and_survived(self, cloud: RunningSandbox, junk: bytes) -> None:
        address = urlsplit(cloud.endpoint)
        with socket.create_connection((address.hostname, address.port), timeout=10) as raw:
            raw.sendall(junk)
            status = int(raw.recv(100).split()[1])
        assert 200 <= status < 500
        assert cloud.client("ec2").describe_vpcs()["Vpcs"]
