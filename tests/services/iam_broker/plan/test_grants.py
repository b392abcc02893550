"""Which role a grant needs, and what is missing to it."""

import json
from typing import Any

import msgspec
import pytest

from services.iam_broker.model import (
    AddRole,
    Attach,
    CreateProfile,
    CreateRole,
    DeletePolicy,
    Detach,
    PutPolicy,
    SetBoundary,
    SetTrust,
    TagRole,
)
from services.iam_broker.plan.content import Content
from services.iam_broker.plan.grants import POLICY, grant_of, is_ours, steps_to
from spawn.contracts.grants import InstanceProfile, Role
from spawn.errors import Conflict
from tests.services.iam_broker.fakes import BOUNDARY, wanted

EMPTY = wanted()
MANAGED = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
DOCUMENT = '{"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Resource":"*"}]}'
FULL = wanted(content=Content(document=DOCUMENT, managed=(MANAGED,)))


def want() -> Role:
    assert FULL.role is not None
    return FULL.role


NAME = FULL.grant.role
PROFILE = InstanceProfile(name=NAME, path="/spawn/", roles=(NAME,))


def role(**changes: Any) -> Role:
    return msgspec.structs.replace(want(), **changes)


def tagged(**changes: str) -> Role:
    names = {"deployment": "spawn:deployment", "digest": "spawn:grant-hash"}
    return role(tags={**want().tags, **{names[key]: value for key, value in changes.items()}})


def test_the_empty_grant_of_a_deployment_is_always_the_same() -> None:
    assert wanted() == EMPTY
    assert EMPTY.grant.hash.startswith(EMPTY.grant.role.removeprefix("spawn-"))
    assert EMPTY.grant.role == EMPTY.grant.profile
    assert EMPTY.role is not None
    assert (EMPTY.role.inline, EMPTY.role.attached) == ({}, ())
    assert wanted(deployment="ada-2").grant.role != EMPTY.grant.role


def test_order_and_repetition_make_no_difference() -> None:
    one = wanted("s3:ReadOnly", "logs:WriteOnly")
    assert wanted("logs:WriteOnly", "s3:ReadOnly") == one
    assert wanted("s3:ReadOnly,logs:WriteOnly,S3:readonly") == one
    assert wanted("s3:ReadOnly:my-bucket", "logs:WriteOnly").grant.role != one.grant.role


def test_only_ec2_may_assume_it() -> None:
    (statement,) = json.loads(want().trust)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_a_grant_is_made_within_its_boundary_and_given_last() -> None:
    made = steps_to(want(), None, None)
    assert [type(each) for each in made] == [
        CreateRole,
        PutPolicy,
        Attach,
        CreateProfile,
        AddRole,
    ]
    assert isinstance(made[0], CreateRole)
    assert made[0].role.boundary == BOUNDARY
    assert all(each.name == NAME and each.reason for each in made)


@pytest.mark.parametrize(
    ("found", "profile", "steps"),
    [
        (want(), PROFILE, []),
        (role(inline={POLICY: json.dumps(json.loads(DOCUMENT), indent=2)}), PROFILE, []),
        (want(), None, [CreateProfile, AddRole]),
        (want(), msgspec.structs.replace(PROFILE, roles=()), [AddRole]),
        (role(trust='{"Version": "2012-10-17", "Statement": []}'), PROFILE, [SetTrust]),
        (role(trust="no JSON"), PROFILE, [SetTrust]),
        (role(boundary=""), PROFILE, [SetBoundary]),
        (role(inline={}), PROFILE, [PutPolicy]),
        (role(inline={POLICY: "{}"}), PROFILE, [PutPolicy]),
        (role(inline={**want().inline, "admin": "{}"}), PROFILE, [DeletePolicy]),
        (role(attached=()), PROFILE, [Attach]),
        (role(attached=(MANAGED, "arn:aws:iam::aws:policy/Admin")), PROFILE, [Detach]),
        (role(tags={**want().tags, "spawn:managed": ""}), PROFILE, [TagRole]),
        (role(tags={**want().tags, "cost-centre": "7"}), PROFILE, []),
        (
            role(boundary="arn:other", inline={"admin": "{}"}, attached=()),
            None,
            [SetBoundary, DeletePolicy, PutPolicy, Attach, CreateProfile, AddRole],
        ),
    ],
    ids=[
        "whole: nothing",
        "the same policy written otherwise: nothing",
        "no profile: profile and role",
        "an empty profile: add the role",
        "others may assume it: correct it",
        "an unreadable trust: correct it",
        "no boundary: set it",
        "no policy: put it",
        "another policy: put ours",
        "a policy too many: delete it",
        "a managed policy is missing: attach it",
        "a managed policy too many: detach it",
        "a tag is wrong: tag it",
        "tags of others: stay",
        "half made and widened: limited first",
    ],
)
def test_what_is_ours_is_completed_and_corrected(
    found: Role, profile: InstanceProfile | None, steps: list[type]
) -> None:
    assert [type(each) for each in steps_to(want(), found, profile)] == steps


@pytest.mark.parametrize(
    ("found", "profile"),
    [
        (role(tags={}), PROFILE),
        (tagged(deployment="bob-1"), PROFILE),
        (tagged(digest="0" * 64), PROFILE),
        (role(path="/"), PROFILE),
        (want(), msgspec.structs.replace(PROFILE, roles=("admin",))),
        (None, msgspec.structs.replace(PROFILE, roles=("admin",))),
        (want(), msgspec.structs.replace(PROFILE, path="/")),
    ],
    ids=[
        "no tags",
        "another deployment's",
        "another hash under the same name",
        "another path",
        "a profile that gives another role",
        "the same, without a role",
        "a profile that launchers may not pass",
    ],
)
def test_what_is_not_ours_is_not_used(found: Role | None, profile: InstanceProfile) -> None:
    with pytest.raises(Conflict) as caught:
        steps_to(want(), found, profile)
    assert caught.value.code == "GrantMismatch"


def test_a_role_of_ours_is_known_by_itself() -> None:
    assert is_ours(want(), deployment="ada-1")
    known = grant_of(want())
    assert (known.hash, known.role, known.profile) == (FULL.grant.hash, NAME, NAME)
    assert not is_ours(want(), deployment="ada-2")
    assert not is_ours(role(trust="{}"), deployment="ada-1")
    assert not is_ours(role(path="/"), deployment="ada-1")
    assert not is_ours(role(name="spawn-0000000000000000"), deployment="ada-1")
