import json
import socket
import urllib.error
import urllib.request
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.sandbox.launches import image, run

SDK: Any = boto3


def error_of(call: Any, **asked: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def throttled(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A sandbox as it starts when nothing is set."""
    with running_sandbox(tmp_path_factory.mktemp("throttled")) as sandbox:
        yield sandbox


def run_often(ec2: Any, ami: str) -> None:
    for _ in range(500):
        run(ec2, ami)


class TestThrottling:
    def test_ec2s_buckets_are_on_by_default(self, throttled: RunningSandbox) -> None:
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
    def test_sdks_know_a_throttle_when_they_see_it(self, cloud: RunningSandbox, mode: Any) -> None:
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

    def test_instances_are_counted_apart_and_given_back(self, throttled: RunningSandbox) -> None:
        rule = {"api": "RunInstances", "resources": {"burst": 10, "per_second": 0}}
        throttled.admin.post("throttle", {"rules": [rule]})
        ec2, ami = throttled.client("ec2"), image(throttled)
        throttled.admin.post("capacity", {"instance_type": "m5.large", "free": 4})
        here: dict[str, Any] = {"InstanceType": "m5.large", "ClientToken": "counted"}
        assert len(run(ec2, ami, MinCount=1, MaxCount=10, **here)["Instances"]) == 4
        assert len(run(ec2, ami, MinCount=1, MaxCount=6, ClientToken="six")["Instances"]) == 6
        assert error_of(run, ec2=ec2, ami=ami) == ("RequestLimitExceeded", 503)

    def test_an_unfiltered_describe_has_the_smaller_bucket(
        self, throttled: RunningSandbox
    ) -> None:
        empty = {"burst": 0, "per_second": 0}
        rule = {"api": "DescribeInstances+unfiltered", "requests": empty}
        throttled.admin.post("throttle", {"rules": [rule]})
        ec2 = throttled.client("ec2")
        assert error_of(ec2.describe_instances) == ("RequestLimitExceeded", 503)
        ec2.describe_instances(MaxResults=5)
        ec2.describe_instances(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])

    def test_other_services_can_be_throttled_in_their_own_shape(
        self, throttled: RunningSandbox
    ) -> None:
        none = {"requests": {"burst": 0, "per_second": 0}}
        rules = [
            {"service": "route53", "api": "ListHostedZones", **none},
            {"service": "sqs", "api": "ListQueues", **none},
            {"service": "iam", "api": "*", **none},
        ]
        throttled.admin.post("throttle", {"rules": rules})
        route53, sqs, iam = (throttled.client(s) for s in ("route53", "sqs", "iam"))
        assert error_of(route53.list_hosted_zones) == ("Throttling", 400)
        assert error_of(sqs.list_queues) == ("ThrottlingException", 400)
        assert error_of(iam.list_roles) == ("Throttling", 400)


class TestFaults:
    def test_the_next_calls_fail_with_the_error(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2")
        body = {"api": "DescribeVpcs", "code": "Unavailable", "status": 503, "count": 2}
        cloud.admin.post("fault", body)
        assert cloud.admin.state()["faults"][0]["count"] == 2
        assert error_of(ec2.describe_vpcs) == ("Unavailable", 503)
        assert error_of(ec2.describe_vpcs) == ("Unavailable", 503)
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
        code, _ = error_of(sqs.get_queue_url, QueueName="hung")
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
    code, _ = error_of(slow.get_queue_url, QueueName="late")
    assert code == "AWS.SimpleQueueService.NonExistentQueue"


class TestWhatMotoLacks:
    def test_an_unknown_operation_is_an_aws_error(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2")
        assert error_of(ec2.describe_placement_groups) == ("UnsupportedOperation", 400)

    def test_an_unknown_service_is_an_aws_error(self, cloud: RunningSandbox) -> None:
        pricing, quotas = cloud.client("pricing"), cloud.client("service-quotas")
        assert error_of(pricing.describe_services) == ("UnsupportedOperation", 400)
        asked = {"ServiceCode": "ec2"}
        assert error_of(quotas.list_service_quotas, **asked) == ("UnsupportedOperation", 400)

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


class TestSecurityGroups:
    def test_duplicates_have_ec2s_codes(self, cloud: RunningSandbox) -> None:
        ec2 = cloud.client("ec2")
        group = ec2.create_security_group(GroupName="twice", Description="d")["GroupId"]
        again = {"GroupName": "twice", "Description": "d"}
        assert error_of(ec2.create_security_group, **again) == ("InvalidGroup.Duplicate", 400)
        members = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
        rule = {"GroupId": group, "IpPermissions": [members]}
        ec2.authorize_security_group_ingress(**rule)
        assert error_of(ec2.authorize_security_group_ingress, **rule) == (
            "InvalidPermission.Duplicate",
            400,
        )
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert found["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group

    @pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-south-1"])
    def test_a_region_has_a_default_network(self, cloud: RunningSandbox, region: str) -> None:
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


class TestIdentity:
    def test_a_good_signature_is_who_it_says(self, cloud: RunningSandbox) -> None:
        assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"

    def test_a_wrong_secret_is_refused(self, cloud: RunningSandbox) -> None:
        sts = SDK.client(
            "sts",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=cloud.access_key_id,
            aws_secret_access_key="guess",
        )
        assert error_of(sts.get_caller_identity) == ("SignatureDoesNotMatch", 403)

    def test_an_assumed_role_is_known_by_its_own_keys(self, cloud: RunningSandbox) -> None:
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = cloud.client("iam").create_role(RoleName="job", AssumeRolePolicyDocument=trust)
        assumed = cloud.client("sts").assume_role(
            RoleArn=role["Role"]["Arn"], RoleSessionName="i-0abc"
        )["Credentials"]
        sts = SDK.client(
            "sts",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
        )
        arn = sts.get_caller_identity()["Arn"]
        assert arn == "arn:aws:sts::123456789012:assumed-role/job/i-0abc"

    def test_a_presigned_identity_is_answered_by_sts(self, cloud: RunningSandbox) -> None:
        url = cloud.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
        with urllib.request.urlopen(url) as answer:
            assert b"<Account>123456789012</Account>" in answer.read()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url + "&Extra=1")
        assert caught.value.code == 403
        caught.value.close()

    def test_every_signature_can_be_checked(self, cloud: RunningSandbox) -> None:
        cloud.admin.post("signature", {"services": ["*"]})
        for service, call in (
            ("ec2", "describe_vpcs"),
            ("sqs", "list_queues"),
            ("iam", "list_roles"),
            ("route53", "list_hosted_zones"),
            ("s3", "list_buckets"),
            ("ssm", "describe_parameters"),
            ("events", "list_rules"),
        ):
            getattr(cloud.client(service), call)()
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="signed")
        s3.put_object(Bucket="signed", Key="a b/ü+~.txt", Body=b"x" * 100_000)
        assert s3.get_object(Bucket="signed", Key="a b/ü+~.txt")["Body"].read() == b"x" * 100_000
        forged = SDK.client(
            "ec2",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=cloud.access_key_id,
            aws_secret_access_key="guess",
        )
        assert error_of(forged.describe_vpcs) == ("AuthFailure", 401)


class TestLongPolls:
    def test_a_waiting_poll_is_woken_by_a_message(self, cloud: RunningSandbox) -> None:
        sqs = cloud.client("sqs")
        url = sqs.create_queue(QueueName="woken")["QueueUrl"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20
            )
            sqs.send_message(QueueUrl=url, MessageBody="hello")
            assert waiting.result(timeout=10)["Messages"][0]["Body"] == "hello"

    def test_many_waiting_polls_hold_nothing_up(self, cloud: RunningSandbox) -> None:
        sqs = cloud.client("sqs")
        url = sqs.create_queue(QueueName="many")["QueueUrl"]
        with ThreadPoolExecutor(8) as pool:
            polls = [
                pool.submit(cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)
                for _ in range(8)
            ]
            assert cloud.client("ec2").describe_vpcs()["Vpcs"]
            for number in range(8):
                sqs.send_message(QueueUrl=url, MessageBody=str(number))
            bodies = {poll.result(timeout=15)["Messages"][0]["Body"] for poll in polls}
        assert bodies == {str(number) for number in range(8)}


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
