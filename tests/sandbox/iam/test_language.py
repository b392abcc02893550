"""`service:Level:resource` at work: what a level names is let through, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spawn.contracts.grants import Permissions
from spawn.permissions.policies import make_policy
from spawn.permissions.realm import Realm
from spawn.permissions.templates import Level, services
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.iam.identities import ACCOUNT, Caller, a_role, session
from tests.sandbox.iam.probes import PROBES, resource
from tests.sandbox.iam.test_service_policies import REFUSED

REALM = Realm(region="us-east-1", account=ACCOUNT)
OWN, OTHER = "own-thing", "other-thing"
CASES = [
    (name, level, limited)
    for name in PROBES
    for level in services()[name].levels
    for limited in (False, True)
    if not limited or services()[name].forms_of(level)
]


def granted(cloud: RunningSandbox, item: str) -> Caller:
    """Return a machine to which this was granted."""
    role, policy = a_role(cloud), make_policy(Permissions(policies=(item,)), REALM)
    cloud.client("iam").put_role_policy(
        RoleName=role, PolicyName="spawn", PolicyDocument=policy.document
    )
    return session(cloud, role)


def is_let_through(call: Callable[..., Any], *arguments: Any, **named: Any) -> bool:
    try:
        call(*arguments, **named)
    except ClientError as error:
        said: Any = error.response
        return said["Error"]["Code"] not in {*REFUSED, "AuthorizationError"}
    return True


@pytest.fixture(scope="module", autouse=True)
def things(quick: RunningSandbox) -> None:
    """What is hidden from who may not list must be there to be read."""
    s3 = quick.client("s3")
    for name in (OWN, OTHER):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="k", Body=b"x")


@pytest.mark.parametrize(("service", "level", "limited"), CASES)
def test_a_level_lets_through_what_it_says(
    cloud: RunningSandbox, service: str, level: Level, limited: bool
) -> None:
    item = f"{service}:{level}:{resource(service, OWN)}" if limited else f"{service}:{level}"
    # Without a resource one is as good as another.
    names = (OWN, OTHER) if limited else (OTHER,)
    client = granted(cloud, item).client(service)
    found = {
        (what, name): is_let_through(probe, client, name)
        for what, (_, probe) in PROBES[service].items()
        for name in names
    }
    expected = {
        (what, name): level in levels and (name == OWN or not limited)
        for what, (levels, _) in PROBES[service].items()
        for name in names
    }
    assert found == expected


def test_objects_under_a_prefix(cloud: RunningSandbox) -> None:
    s3 = granted(cloud, "s3:ReadOnly:own-thing/in/*").client("s3")
    s3.list_objects_v2(Bucket=OWN, Prefix="in/1")
    cloud.client("s3").put_object(Bucket=OWN, Key="in/1", Body=b"x")
    s3.get_object(Bucket=OWN, Key="in/1")
    assert not is_let_through(s3.list_objects_v2, Bucket=OWN)
    assert not is_let_through(s3.list_objects_v2, Bucket=OWN, Prefix="out/")
    assert not is_let_through(s3.get_object, Bucket=OWN, Key="k")
    assert not is_let_through(s3.put_object, Bucket=OWN, Key="in/1", Body=b"x")


def test_a_copy_reads_what_it_copies(cloud: RunningSandbox) -> None:
    s3 = granted(cloud, "s3:ReadWrite:own-thing").client("s3")
    s3.copy_object(Bucket=OWN, Key="copied", CopySource=f"{OWN}/k")
    assert not is_let_through(s3.copy_object, Bucket=OWN, Key="x", CopySource=f"{OTHER}/k")
    keys = [{"Key": "copied"}]
    assert s3.delete_objects(Bucket=OWN, Delete={"Objects": keys})["Deleted"] == keys
    assert not is_let_through(s3.delete_objects, Bucket=OTHER, Delete={"Objects": keys})


def test_a_key_by_its_alias(cloud: RunningSandbox) -> None:
    own = cloud.client("kms")
    ids = [own.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    own.create_alias(AliasName="alias/mine", TargetKeyId=ids[0])
    kms = granted(cloud, "kms:ReadWrite:alias/mine").client("kms")
    sealed = kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    foreign = own.encrypt(KeyId=ids[1], Plaintext=b"x")["CiphertextBlob"]
    assert not is_let_through(kms.decrypt, CiphertextBlob=foreign)
    assert not is_let_through(kms.encrypt, KeyId=ids[1], Plaintext=b"x")


def test_a_secret_by_its_name(cloud: RunningSandbox) -> None:
    own = cloud.client("secretsmanager")
    for name in ("db", "db-other"):
        own.create_secret(Name=name, SecretString="s3cret")
    secrets = granted(cloud, "secretsmanager:ReadOnly:db").client("secretsmanager")
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "s3cret"
    other = own.describe_secret(SecretId="db-other")["ARN"]
    assert not is_let_through(secrets.get_secret_value, SecretId=other)


def test_instances_are_looked_at_and_not_touched(cloud: RunningSandbox) -> None:
    ec2 = granted(cloud, "ec2:ReadOnly").client("ec2")
    ec2.describe_instances()
    ids = ["i-0123456789abcdef0"]
    assert not is_let_through(ec2.terminate_instances, InstanceIds=ids)


def test_another_role_is_taken_on(cloud: RunningSandbox) -> None:
    own = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statement = {"Effect": "Allow", "Principal": own, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    one, other = a_role(cloud, trust=trust), a_role(cloud, trust=trust)
    sts = granted(cloud, f"sts:ReadWrite:role/{one}").client("sts")

    def take(client: Any, role: str) -> Any:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        return client.assume_role(RoleArn=arn, RoleSessionName="me")

    assert is_let_through(take, sts, one)
    assert not is_let_through(take, sts, other)
