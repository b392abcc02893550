"""What is said before something wide is granted, and what to write instead."""

import json
from typing import Any

import pytest

from spawn.contracts.grants import Caution, Permissions
from spawn.errors import Rejected
from spawn.permissions.cautions import ADVICE, cautions, check_strict
from spawn.permissions.dangers import ESCALATIONS
from spawn.permissions.items import parse_item, render
from spawn.permissions.policies import make_policy
from spawn.permissions.templates import services
from tests.spawn.permissions.definitions import actions_of
from tests.spawn.permissions.strategies import REALM, items_of


def of(*policies: str, **more: Any) -> dict[str, Caution]:
    """Return what is said of permissions, by code."""
    policy = make_policy(Permissions(policies=policies, **more), REALM)
    return {each.code: each for each in cautions(policy)}


def of_statement(**elements: Any) -> dict[str, Caution]:
    statement = {"Effect": "Allow", "Resource": "*", **elements}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return of(documents=(document,))


@pytest.mark.parametrize(
    ("item", "code", "narrower"),
    [
        pytest.param("s3:FullAccess", "ACTION_STAR", "s3:ReadWrite:BUCKET", id="every action"),
        pytest.param(
            "s3:FullAccess:b/x/*", "ACTION_STAR", "s3:ReadWrite:b/x/*", id="on what was named"
        ),
        pytest.param("s3:FullAccess", "RESOURCE_STAR", "s3:FullAccess:BUCKET", id="every bucket"),
        pytest.param(
            "dynamodb:WriteOnly", "RESOURCE_STAR", "dynamodb:WriteOnly:table/TABLE", id="table"
        ),
        pytest.param(
            "cloudwatch:FullAccess",
            "ACTION_STAR",
            "cloudwatch:ReadWrite:namespace/NAMESPACE",
            id="a level that can't be limited",
        ),
        pytest.param(
            "secretsmanager:ReadOnly",
            "SECRETS_STAR",
            "secretsmanager:ReadOnly:SECRET",
            id="secret",
        ),
        pytest.param(
            "secretsmanager:ReadOnly:*?",
            "SECRETS_STAR",
            "secretsmanager:ReadOnly:SECRET",
            id="secrets by wildcard",
        ),
        pytest.param(
            "ssm:ReadWrite", "SECRETS_STAR", "ssm:ReadWrite:parameter/PARAMETER", id="parameter"
        ),
        pytest.param("kms:ReadOnly", "SECRETS_STAR", "kms:ReadOnly:key/KEY", id="decrypt"),
        pytest.param(
            "sts:ReadWrite", "PRIVILEGE_ESCALATION", "sts:ReadWrite:role/ROLE", id="assume"
        ),
        pytest.param(
            "lambda:FullAccess:resize",
            "PRIVILEGE_ESCALATION",
            "lambda:ReadWrite:function/resize",
            id="change code",
        ),
        pytest.param(
            "s3:WriteOnly:b",
            "KMS_KEY",
            "s3:WriteOnly:b,kms:ReadWrite:key/KEY, where there is such a key",
            id="key",
        ),
    ],
)
def test_an_item_that_is_wide_has_a_narrower_form(item: str, code: str, narrower: str) -> None:
    found = of(item)[code]
    assert found.narrower == narrower
    assert found.where == render(parse_item(item))
    assert found.message


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="nothing"),
        pytest.param(["s3:ReadOnly:b"], id="reading a bucket"),
        pytest.param(["s3:ReadWrite:b", "kms:ReadWrite:key/12"], id="with its key"),
        pytest.param(["kms:ReadOnly:alias/x"], id="a key by its alias"),
        pytest.param(["sts:ReadWrite:role/spawn/x"], id="a role by its name"),
        pytest.param(["sts:ReadOnly", "ec2:ReadOnly", "cloudwatch:ReadOnly"], id="no resources"),
        pytest.param(["secretsmanager:ReadOnly:app/*", "ssm:ReadOnly:/app/*"], id="prefixes"),
    ],
)
def test_nothing_is_said_of_what_is_narrow(items: list[str]) -> None:
    assert of(*items) == {}


@pytest.mark.parametrize("service", services())
def test_what_is_narrower_can_be_written(service: str) -> None:
    for each in (each for item in items_of(service) for each in of(item).values()):
        text = each.narrower.partition(",")[0]
        # Names in capitals stand for the user's own, which are in small letters in most services.
        placeholders = ["BUCKET", "QUEUE", "TOPIC", "REPOSITORY", "KEY", "SECRET"]
        for name in placeholders:
            text = text.replace(name, "a")
        assert parse_item(text)


@pytest.mark.parametrize(
    ("elements", "code", "narrower"),
    [
        pytest.param({"Action": "*"}, "ACTION_STAR", '"Action" with', id="everything"),
        pytest.param({"Action": "s3:*"}, "ACTION_STAR", '"Action" with', id="a whole service"),
        pytest.param({"NotAction": "s3:*"}, "ACTION_STAR", '"Action" with', id="all but"),
        pytest.param({"Action": "s3:GetObject"}, "RESOURCE_STAR", '"Resource" with', id="*"),
        pytest.param(
            {"Action": "s3:GetObject", "Resource": None, "NotResource": "arn:aws:s3:::b"},
            "RESOURCE_STAR",
            '"Resource" with',
            id="all resources but one",
        ),
        pytest.param({"Action": "iam:PassRole"}, "PRIVILEGE_ESCALATION", "PassedTo", id="pass"),
        pytest.param({"Action": "iam:Pass*"}, "PRIVILEGE_ESCALATION", "PassedTo", id="pass*"),
        pytest.param(
            {"Action": "iam:PutRolePolicy", "Resource": "arn:aws:iam::111122223333:role/x"},
            "PRIVILEGE_ESCALATION",
            "without iam:PutRolePolicy",
            id="one role's policy",
        ),
        pytest.param(
            {"Action": "sts:AssumeRole"}, "PRIVILEGE_ESCALATION", "sts:ReadWrite:role", id="assume"
        ),
        pytest.param(
            {"Action": "secretsmanager:*"}, "SECRETS_STAR", '"Resource" with', id="secrets"
        ),
    ],
)
def test_a_statement_that_is_wide_is_said_to_be(
    elements: dict[str, Any], code: str, narrower: str
) -> None:
    kept = {name: value for name, value in elements.items() if value is not None}
    if "NotResource" in kept:
        statement = {"Effect": "Allow", **kept}
        found = of(documents=(json.dumps({"Version": "2012-10-17", "Statement": statement}),))
    else:
        found = of_statement(**kept)
    assert narrower in found[code].narrower
    assert found[code].where == "policy file 1, Statement[0]"


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, id="a bucket"),
        pytest.param({"Action": ["ec2:DescribeInstances", "sqs:ListQueues"]}, id="takes no ARN"),
        pytest.param({"Action": "elasticloadbalancing:Describe*"}, id="describes"),
        pytest.param({"Effect": "Deny", "Action": "*"}, id="denied"),
        pytest.param(
            {
                "Action": "iam:PassRole",
                "Resource": "arn:aws:iam::111122223333:role/x",
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            },
            id="one role to one service",
        ),
    ],
)
def test_nothing_is_said_of_a_narrow_statement(elements: dict[str, Any]) -> None:
    assert of_statement(**elements) == {}


@pytest.mark.parametrize(
    ("name", "is_broad"),
    [
        ("AdministratorAccess", True),
        ("AmazonS3FullAccess", True),
        ("PowerUserAccess", True),
        ("AmazonS3ReadOnlyAccess", False),
    ],
)
def test_managed_policies_that_allow_everything_are_said_to(name: str, is_broad: bool) -> None:
    assert ("BROAD_MANAGED_POLICY" in of(managed=(name,))) is is_broad


@pytest.mark.parametrize(
    "item",
    [
        "s3:ReadOnly:**",
        "s3:ReadOnly:*/*",
        "s3:ReadOnly:b+*",
        "dynamodb:ReadWrite:table/*",
        "sqs:ReadWrite:arn:aws:sqs:eu-west-1:111122223333:*",
        "kms:ReadWrite:alias/*",
    ],
)
def test_a_wildcard_for_a_name_limits_nothing(item: str) -> None:
    assert "RESOURCE_STAR" in of(item)


@pytest.mark.parametrize(
    "item", ["s3:ReadOnly:my-*", "s3:ReadOnly:b/*", "s3:ReadOnly:*/run-1/*", "sqs:ReadWrite:?"]
)
def test_a_wildcard_behind_a_name_does(item: str) -> None:
    assert "RESOURCE_STAR" not in of(item)


def test_strict_rejects_with_what_to_write() -> None:
    policy = make_policy(Permissions(policies=("dynamodb:WriteOnly",)), REALM)
    with pytest.raises(Rejected) as rejected:
        check_strict(cautions(policy))
    assert rejected.value.message == (
        "strict: dynamodb:WriteOnly: is not limited: writes items of every table;"
        " write dynamodb:WriteOnly:table/TABLE"
    )


def test_strict_lets_advice_pass() -> None:
    found = of("s3:WriteOnly:b")
    assert found.keys() == ADVICE
    check_strict(found.values())


@pytest.mark.parametrize("action", ESCALATIONS)
def test_a_dangerous_action_exists(action: str) -> None:
    service, _, name = action.partition(":")
    assert name in actions_of(service)
