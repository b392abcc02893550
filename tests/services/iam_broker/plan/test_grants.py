"""Which role a grant needs, and the next step to it."""

import json

import msgspec
import pytest

from services.iam_broker.model import AddRole, CreateProfile, CreateRole, SetTrust
from services.iam_broker.plan.grants import grant_of, is_ours, next_step, plan_grant
from spawn.contracts.grants import GrantRequest, InstanceProfile, Role
from spawn.errors import Conflict, Rejected

WANTED = plan_grant(GrantRequest(), deployment="ada-1")
NAME = WANTED.role.name
FULL = InstanceProfile(name=NAME, path="/spawn/", roles=(NAME,))


def role(**changes: object) -> Role:
    return msgspec.structs.replace(WANTED.role, **changes)


def test_the_empty_grant_of_a_deployment_is_always_the_same() -> None:
    again = plan_grant(GrantRequest(), deployment="ada-1")
    assert again == WANTED
    assert WANTED.grant.hash.startswith(NAME.removeprefix("spawn-"))
    assert (WANTED.grant.role, WANTED.grant.profile) == (NAME, NAME)
    assert plan_grant(GrantRequest(), deployment="ada-2").role.name != NAME


def test_only_ec2_may_assume_it() -> None:
    (statement,) = json.loads(WANTED.role.trust)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_permissions_are_refused_by_name() -> None:
    with pytest.raises(Rejected, match="s3:ReadOnly") as caught:
        plan_grant(GrantRequest(policies=("s3:ReadOnly",)), deployment="ada-1")
    assert caught.value.field == "policies"


@pytest.mark.parametrize(
    ("found", "profile", "step"),
    [
        (None, None, CreateRole),
        (None, FULL, CreateRole),
        (WANTED.role, None, CreateProfile),
        (WANTED.role, msgspec.structs.replace(FULL, roles=()), AddRole),
        (role(trust='{"Version": "2012-10-17", "Statement": []}'), FULL, SetTrust),
        (role(trust="no JSON"), FULL, SetTrust),
        (role(tags={**WANTED.role.tags, "cost-centre": "7"}), None, CreateProfile),
    ],
    ids=[
        "nothing is there: role",
        "the role is gone: role",
        "no profile: profile",
        "an empty profile: add the role",
        "others may assume it: correct it",
        "an unreadable trust: correct it",
        "tags of others: stay",
    ],
)
def test_what_is_missing_is_made(
    found: Role | None, profile: InstanceProfile | None, step: type
) -> None:
    assert isinstance(next_step(WANTED, found, profile), step)


def test_what_is_whole_is_left_alone() -> None:
    assert next_step(WANTED, WANTED.role, FULL) is None


@pytest.mark.parametrize(
    ("found", "profile"),
    [
        (role(tags={}), FULL),
        (role(tags={**WANTED.role.tags, "spawn:deployment": "bob-1"}), FULL),
        (role(tags={**WANTED.role.tags, "spawn:grant-hash": "0" * 64}), FULL),
        (role(path="/"), FULL),
        (role(policies=("admin",)), FULL),
        (WANTED.role, msgspec.structs.replace(FULL, roles=("admin",))),
        (WANTED.role, msgspec.structs.replace(FULL, path="/")),
    ],
    ids=[
        "no tags",
        "another deployment's",
        "another hash under the same name",
        "another path",
        "more permissions",
        "a profile that gives another role",
        "a profile that launchers may not pass",
    ],
)
def test_what_is_not_ours_is_not_used(found: Role, profile: InstanceProfile) -> None:
    with pytest.raises(Conflict) as caught:
        next_step(WANTED, found, profile)
    assert caught.value.code == "GrantMismatch"


def test_a_role_of_ours_is_known_by_itself() -> None:
    assert is_ours(WANTED.role, deployment="ada-1")
    assert grant_of(WANTED.role) == WANTED.grant
    assert not is_ours(WANTED.role, deployment="ada-2")
    assert not is_ours(role(trust="{}"), deployment="ada-1")
    assert not is_ours(role(path="/"), deployment="ada-1")
    assert not is_ours(role(name="spawn-0000000000000000"), deployment="ada-1")
