import json
import urllib.error
import urllib.request
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import refused

SDK: Any = boto3


def test_a_good_signature_is_who_it_says(cloud: RunningSandbox) -> None:
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_wrong_secret_is_refused(cloud: RunningSandbox) -> None:
    sts = SDK.client(
        "sts",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key="guess",
    )
    assert refused(sts.get_caller_identity) == ("SignatureDoesNotMatch", 403)


def test_an_assumed_role_is_known_by_its_own_keys(cloud: RunningSandbox) -> None:
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


def test_a_presigned_identity_is_answered_by_sts(cloud: RunningSandbox) -> None:
    url = cloud.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url) as answer:
        assert b"<Account>123456789012</Account>" in answer.read()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url + "&Extra=1")
    assert caught.value.code == 403
    caught.value.close()


def test_every_signature_can_be_checked(cloud: RunningSandbox) -> None:
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
    assert refused(forged.describe_vpcs) == ("AuthFailure", 401)
