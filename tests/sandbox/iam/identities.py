"""Users, roles and their clients, on a laptop cloud."""

import json
from typing import Any
from uuid import uuid4

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox

VERSION = "2012-10-17"
ACCOUNT = "123456789012"
EC2_TRUST = {
    "Version": VERSION,
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)})


def a_role(cloud: RunningSandbox, *statements: dict[str, Any], **more: Any) -> str:
    """Make a role with an inline policy of these statements; return its name."""
    iam, name = cloud.client("iam"), more.pop("name", f"role-{uuid4().hex[:12]}")
    trust = json.dumps(more.pop("trust", EC2_TRUST))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return name


def arn_of(cloud: RunningSandbox, role: str) -> str:
    return cloud.client("iam").get_role(RoleName=role)["Role"]["Arn"]


class Caller:
    """A session of a role, or a user, with clients that use its credentials."""

    def __init__(self, cloud: RunningSandbox, credentials: dict[str, Any]) -> None:
        self._cloud = cloud
        self.credentials = credentials

    def client(self, service: str) -> Any:
        return client(
            service,
            endpoint_url=self._cloud.endpoint,
            region_name=self._cloud.region,
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials.get("SessionToken"),
        )


def client(service: str, **where: Any) -> Any:
    sdk: Any = boto3
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    return sdk.client(service, config=config, **where)


def session(cloud: RunningSandbox, role: str, **more: Any) -> Caller:
    """Return a session of a role, as EC2 would have it."""
    arn = arn_of(cloud, role)
    given = {"RoleSessionName": "i-0123456789abcdef0", **more}
    return Caller(cloud, cloud.client("sts").assume_role(RoleArn=arn, **given)["Credentials"])


def may(cloud: RunningSandbox, *statements: dict[str, Any]) -> Caller:
    """Return a session of a new role that may do this."""
    return session(cloud, a_role(cloud, *statements))


def a_user(cloud: RunningSandbox, *statements: dict[str, Any]) -> Caller:
    """Return a new user who may do this."""
    iam, name = cloud.client("iam"), f"user-{uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    return Caller(cloud, iam.create_access_key(UserName=name)["AccessKey"])


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    """Return code and text of the error that a call ends with; fail when it succeeds."""
    try:
        call(**arguments)
    except ClientError as error:
        said: Any = error.response
        return said["Error"]["Code"], said["Error"]["Message"]
    raise AssertionError("the call was let through")
