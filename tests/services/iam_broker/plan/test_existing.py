"""Roles that exist: which of them machines may be given, and who may assume them."""

import json
from typing import Any

import msgspec
import pytest

from services.iam_broker.plan.existing import check_allowed, check_alone, plan_existing
from services.iam_broker.plan.trust import TRUST, trusts_ec2_alone
from spawn.contracts.grants import Permissions, Role
from spawn.errors import Rejected

EC2 = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
ROLE = Role(name="science", path="/team/", trust=json.dumps(TRUST), tags={})


def trust(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def ec2(**changes: Any) -> dict[str, Any]:
    return EC2 | changes


@pytest.mark.parametrize(
    "document",
    [
        json.dumps(TRUST),
        trust(EC2),
        json.dumps({"Statement": EC2}),
        trust(ec2(Principal={"Service": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]})),
        trust(ec2(Action=["sts:AssumeRole", "sts:TagSession"])),
        trust(ec2(Action="STS:assumerole")),
        trust(ec2(Action="sts:*")),
        trust(EC2, ec2(Effect="Deny", Principal="*")),
        trust(ec2(Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}})),
    ],
)
def test_what_ec2_alone_may_assume_tells_whose_it_is(document: str) -> None:
    assert trusts_ec2_alone(document)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        trust(),
        trust("ec2"),
        trust(ec2(Effect="Deny")),
        trust(ec2(Action="sts:TagSession")),
        trust(ec2(Principal="*")),
        trust(ec2(Principal={"AWS": "*"})),
        trust(ec2(Principal={"Service": []})),
        trust(ec2(Principal={"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]})),
        trust(ec2(Principal={"Service": "ec2.amazonaws.com", "AWS": "arn:aws:iam::1:root"})),
        trust(EC2, ec2(Principal={"AWS": "arn:aws:iam::123456789012:root"})),
        trust({"Effect": "Allow", "NotPrincipal": {"AWS": "x"}, "Action": "sts:AssumeRole"}, EC2),
        trust(ec2(Principal={"Service": "ec2.amazonaws.com.example.org"})),
        trust(ec2(Principal={"Service": {"a": "ec2.amazonaws.com"}})),
    ],
)
def test_what_others_may_assume_tells_nothing(document: str) -> None:
    assert not trusts_ec2_alone(document)


@pytest.mark.parametrize(
    ("profiles", "profile"),
    [(("science",), "science"), (("a", "science"), "science"), (("b", "a"), "a")],
)
def test_an_existing_role_is_given_by_its_profile(profiles: tuple[str, ...], profile: str) -> None:
    grant = plan_existing(ROLE, profiles, deployment="ada-1")
    assert (grant.role, grant.profile, grant.path, grant.ours) == (
        "science",
        profile,
        "/team/",
        False,
    )
    assert grant.permissions == Permissions(role="science")
    assert plan_existing(ROLE, profiles, deployment="ada-1") == grant
    assert plan_existing(ROLE, (*profiles, "A"), deployment="ada-1").ours is False


@pytest.mark.parametrize(
    ("role", "profiles", "said"),
    [
        (msgspec.structs.replace(ROLE, trust=trust()), ("science",), "EC2 alone"),
        (ROLE, (), "aws iam add-role-to-instance-profile --instance-profile-name science"),
    ],
    ids=["others may assume it", "no profile has it"],
)
def test_a_role_that_can_not_be_given_is_rejected_with_what_to_do(
    role: Role, profiles: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Rejected, match=said) as caught:
        plan_existing(role, profiles, deployment="ada-1")
    assert caught.value.field == "role"


@pytest.mark.parametrize(
    ("allowed", "said"), [((), "it is empty"), (("lab", "art"), "it lists lab, art")]
)
def test_only_what_an_operator_allows_is_given(allowed: tuple[str, ...], said: str) -> None:
    check_allowed("science", ("science",))
    with pytest.raises(Rejected, match=said):
        check_allowed("science", allowed)


@pytest.mark.parametrize(
    "more",
    [{"policies": ("s3:ReadOnly",)}, {"managed": ("A",)}, {"documents": ("{}",)}],
    ids=["policies", "managed", "documents"],
)
def test_nothing_is_added_to_a_role_that_is_not_ours(more: dict[str, Any]) -> None:
    check_alone(Permissions(role="science"))
    check_alone(Permissions(**more))
    with pytest.raises(Rejected, match="not ours to add permissions to"):
        check_alone(Permissions(role="science", **more))
