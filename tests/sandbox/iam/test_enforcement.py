"""The front holds users and roles to their policies, and nobody else."""

from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.iam.identities import (
    ACCOUNT,
    Caller,
    a_role,
    a_user,
    arn_of,
    document,
    may,
    refusal,
    session,
)
from tests.sandbox.iam.policies import allow, deny

BOUNDED = "arn:aws:iam::123456789012:policy/spawn/limit"


@pytest.fixture(scope="module")
def bucket(quick: RunningSandbox) -> str:
    s3 = quick.client("s3")
    s3.create_bucket(Bucket="guarded")
    for key in ("in/1", "out/1"):
        s3.put_object(Bucket="guarded", Key=key, Body=b"x")
    return "guarded"


def test_the_accounts_own_key_may_do_all(cloud: RunningSandbox, bucket: str) -> None:
    assert cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 2


def test_a_role_may_what_it_is_allowed(cloud: RunningSandbox, bucket: str) -> None:
    s3 = may(cloud, allow("s3:GetObject", "arn:aws:s3:::guarded/in/*")).client("s3")
    assert s3.get_object(Bucket=bucket, Key="in/1")["Body"].read() == b"x"
    code, text = refusal(s3.get_object, Bucket=bucket, Key="out/1")
    assert code == "AccessDenied"
    assert "is not authorized to perform: s3:GetObject" in text
    assert text.endswith("because no identity-based policy allows the s3:GetObject action")
    assert refusal(s3.put_object, Bucket=bucket, Key="in/2", Body=b"")[0] == "AccessDenied"
    assert refusal(s3.head_object, Bucket=bucket, Key="out/1")[0] == "403"


def test_what_is_not_there_is_forbidden_to_who_may_not_list(
    cloud: RunningSandbox, bucket: str
) -> None:
    reads = allow("s3:GetObject", "arn:aws:s3:::guarded/*")
    assert refusal(may(cloud, reads).client("s3").head_object, Bucket=bucket, Key="no")[0] == "403"
    lists = may(cloud, reads, allow("s3:ListBucket", "arn:aws:s3:::guarded")).client("s3")
    assert refusal(lists.head_object, Bucket=bucket, Key="no")[0] == "404"


def test_a_user_is_held_to_its_policies_too(cloud: RunningSandbox, bucket: str) -> None:
    s3 = a_user(cloud, allow("s3:*"), deny("s3:Delete*")).client("s3")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    code, text = refusal(s3.delete_object, Bucket=bucket, Key="in/1")
    assert code == "AccessDenied"
    assert text.endswith("with an explicit deny in an identity-based policy")


def test_each_service_refuses_in_its_own_words(cloud: RunningSandbox) -> None:
    nobody = may(cloud)
    instance = "i-0123456789abcdef0"
    code, text = refusal(nobody.client("ec2").terminate_instances, InstanceIds=[instance])
    role = nobody.client("sts").get_caller_identity()["Arn"]
    assert code == "UnauthorizedOperation"
    assert text == (
        f"You are not authorized to perform this operation. User: {role} is not authorized to "
        f"perform: ec2:TerminateInstances on resource: arn:aws:ec2:us-east-1:{ACCOUNT}:instance/"
        f"{instance} because no identity-based policy allows the ec2:TerminateInstances action"
    )
    assert refusal(nobody.client("iam").list_roles)[0] == "AccessDenied"
    assert refusal(nobody.client("ssm").get_parameter, Name="a")[0] == "AccessDeniedException"
    assert refusal(nobody.client("route53").list_hosted_zones)[0] == "AccessDenied"
    # SQS moved from the query protocol to JSON and kept its codes.
    assert refusal(nobody.client("sqs").list_queues)[0] in {
        "AccessDenied",
        "AccessDeniedException",
    }


def test_a_change_of_policy_counts_at_once(cloud: RunningSandbox) -> None:
    role = a_role(cloud)
    sqs = session(cloud, role).client("sqs")
    assert refusal(sqs.list_queues)[0] == "AccessDeniedException"
    iam = cloud.client("iam")
    policy = document(allow("sqs:ListQueues"))
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=policy)
    sqs.list_queues()
    iam.delete_role_policy(RoleName=role, PolicyName="own")
    assert refusal(sqs.list_queues)[0] == "AccessDeniedException"


def test_attached_policies_count_in_their_default_version(cloud: RunningSandbox) -> None:
    iam, role = cloud.client("iam"), a_role(cloud)
    arn = iam.create_policy(PolicyName="lists", PolicyDocument=document(allow("sqs:List*")))[
        "Policy"
    ]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    sqs = session(cloud, role).client("sqs")
    sqs.list_queues()
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("sns:*")), SetAsDefault=True
    )
    assert refusal(sqs.list_queues)[0] == "AccessDeniedException"


def test_a_boundary_limits(cloud: RunningSandbox) -> None:
    iam = cloud.client("iam")
    iam.create_policy(PolicyName="limit", Path="/spawn/", PolicyDocument=document(allow("sqs:*")))
    caller = session(cloud, a_role(cloud, allow(), PermissionsBoundary=BOUNDED))
    caller.client("sqs").list_queues()
    text = refusal(caller.client("iam").list_roles)[1]
    assert text.endswith("because no permissions boundary allows the iam:ListRoles action")


def test_a_session_policy_limits(cloud: RunningSandbox) -> None:
    caller = session(cloud, a_role(cloud, allow()), Policy=document(allow("sqs:*")))
    caller.client("sqs").list_queues()
    text = refusal(caller.client("iam").list_roles)[1]
    assert text.endswith("because no session policy allows the iam:ListRoles action")


def trust(principal: Any, **condition: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [made | condition]}


def test_a_role_is_assumed_by_whom_it_trusts(cloud: RunningSandbox) -> None:
    sts = may(cloud, allow("sts:AssumeRole")).client("sts")
    own = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trusting = arn_of(cloud, a_role(cloud, trust=trust(own)))
    for_ec2 = arn_of(cloud, a_role(cloud))
    secret = {"StringEquals": {"sts:ExternalId": "s3cret"}}
    external = arn_of(cloud, a_role(cloud, trust=trust(own, Condition=secret)))
    assert sts.assume_role(RoleArn=trusting, RoleSessionName="me")["Credentials"]
    assert refusal(sts.assume_role, RoleArn=for_ec2, RoleSessionName="me")[0] == "AccessDenied"
    assert refusal(sts.assume_role, RoleArn=external, RoleSessionName="me")[0] == "AccessDenied"
    assert sts.assume_role(RoleArn=external, RoleSessionName="me", ExternalId="s3cret")
    nobody = may(cloud).client("sts")
    assert (
        "sts:AssumeRole" in refusal(nobody.assume_role, RoleArn=trusting, RoleSessionName="me")[1]
    )


def test_whoever_asks_may_know_who_he_is(cloud: RunningSandbox) -> None:
    said = may(cloud, deny()).client("sts").get_caller_identity()
    assert said["Arn"].endswith("/i-0123456789abcdef0")


def test_keys_that_nobody_was_given_are_refused(cloud: RunningSandbox) -> None:
    forged = Caller(cloud, {"AccessKeyId": "AKIAFORGED", "SecretAccessKey": "x"})
    assert refusal(forged.client("ec2").describe_instances)[0] == "AuthFailure"
    assert refusal(forged.client("s3").list_buckets)[0] == "InvalidAccessKeyId"


def test_a_sessions_key_without_its_token_is_refused(cloud: RunningSandbox) -> None:
    caller = may(cloud, allow())
    del caller.credentials["SessionToken"]
    assert refusal(caller.client("iam").list_roles)[0] == "InvalidClientTokenId"


def test_what_nobody_has_signed_is_refused(cloud: RunningSandbox, bucket: str) -> None:
    with pytest.raises(HTTPError, match="403") as refused:
        urlopen(f"{cloud.endpoint}/{bucket}/in/1", timeout=20)
    refused.value.close()


def test_a_link_is_as_good_as_who_made_it(cloud: RunningSandbox, bucket: str) -> None:
    s3 = may(cloud, allow("s3:GetObject", "arn:aws:s3:::guarded/in/*")).client("s3")

    def link(key: str) -> str:
        return s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})

    with urlopen(link("in/1"), timeout=20) as answer:
        assert answer.read() == b"x"
    with pytest.raises(HTTPError, match="403") as refused:
        urlopen(link("out/1"), timeout=20)
    refused.value.close()


def test_enforcement_can_be_switched_off(cloud: RunningSandbox) -> None:
    assert cloud.admin.state()["enforcing"]
    cloud.admin.post("enforcement", {"enabled": False})
    assert not cloud.admin.state()["enforcing"]
    may(cloud).client("iam").list_roles()


def test_statements_and_streams_are_of_the_table_that_they_name(cloud: RunningSandbox) -> None:
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    reads = allow("dynamodb:PartiQLSelect", f"{table}/index/*")
    caller = may(cloud, reads, allow("dynamodb:DescribeStream", f"{table}/stream/*"))
    select, stream = caller.client("dynamodb").execute_statement, caller.client("dynamodbstreams")
    refused = {"AccessDeniedException"}
    assert refusal(select, Statement='select k from "t"."by-time" where k = 1')[0] not in refused
    assert refusal(select, Statement='SELECT k FROM "t"')[0] in refused
    assert refusal(select, Statement="DELETE FROM t WHERE k = 1")[0] in refused
    label = "2026-01-01T00:00:00.000"
    assert refusal(stream.describe_stream, StreamArn=f"{table}/stream/{label}")[0] not in refused
    assert refusal(stream.describe_stream, StreamArn=f"{table}s/stream/{label}")[0] in refused
