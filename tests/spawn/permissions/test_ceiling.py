"""The ceiling: what a deployment grants at most."""

import json
from typing import Any

import pytest

from spawn.contracts.grants import Permissions
from spawn.errors import Cause, Rejected
from spawn.permissions.ceiling import check_ceiling, read_ceiling
from spawn.permissions.policies import make_policy
from spawn.permissions.templates import Level, services
from tests.spawn.permissions.strategies import LEVELS, NARROWER, REALM, WRITTEN


def file_of(**elements: Any) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


def check(ceiling: str, **permissions: Any) -> None:
    check_ceiling((ceiling,) if ceiling else (), make_policy(Permissions(**permissions), REALM))


@pytest.mark.parametrize(
    ("ceiling", "permissions"),
    [
        pytest.param("", {"policies": ("s3:FullAccess",), "managed": ("X",)}, id="no ceiling"),
        pytest.param("s3:ReadWrite", {}, id="nothing asked for"),
        pytest.param("s3:ReadWrite", {"policies": ("s3:ReadWrite",)}, id="the same"),
        pytest.param("s3:ReadWrite", {"policies": ("s3:ReadOnly:b/x/*",)}, id="less"),
        pytest.param("s3:ReadWrite:data-*", {"policies": ("s3:ReadOnly:data-1",)}, id="in a name"),
        pytest.param(
            "s3:ReadOnly:b/x/*", {"policies": ("s3:ReadOnly:b/x/y/*",)}, id="under a prefix"
        ),
        pytest.param(
            "sqs:ReadWrite",
            {"policies": ("sqs:ReadOnly:arn:aws:sqs:eu-west-1:999988887777:jobs",)},
            id="in another region",
        ),
        pytest.param(
            "s3:ReadOnly", {"documents": (file_of(Resource="arn:aws:s3:::b/*"),)}, id="file"
        ),
        pytest.param(
            "s3:ReadOnly", {"documents": (file_of(Effect="Deny", Action="*"),)}, id="deny"
        ),
        pytest.param("s3:ReadOnly", {"role": "existing"}, id="a role has its own list"),
    ],
)
def test_within(ceiling: str, permissions: dict[str, Any]) -> None:
    check(ceiling, **permissions)


@pytest.mark.parametrize(
    ("ceiling", "permissions", "field", "said"),
    [
        pytest.param(
            "s3:ReadWrite,logs:WriteOnly",
            {"policies": ("logs:WriteOnly", "s3:FullAccess")},
            "policies",
            "policies='s3:FullAccess': above the ceiling of this deployment,"
            " s3:ReadWrite,logs:WriteOnly: it allows s3:* on *; ask for less",
            id="a higher level",
        ),
        pytest.param(
            "s3:ReadWrite",
            {"policies": ("sqs:ReadOnly:jobs",)},
            "policies",
            "it allows sqs:GetQueueAttributes on",
            id="another service",
        ),
        pytest.param(
            "s3:ReadOnly:data-*",
            {"policies": ("s3:ReadOnly:other",)},
            "policies",
            "on arn:aws:s3:::other",
            id="another name",
        ),
        pytest.param(
            "s3:ReadOnly:b/x/*",
            {"policies": ("s3:ReadOnly:b",)},
            "policies",
            "s3:ListBucket on arn:aws:s3:::b",
            id="without the condition",
        ),
        pytest.param(
            "cloudwatch:WriteOnly:team/*",
            {"policies": ("cloudwatch:WriteOnly:other",)},
            "policies",
            "cloudwatch:PutMetricData on *",
            id="where another condition holds",
        ),
        pytest.param(
            "s3:FullAccess",
            {"managed": ("AmazonS3FullAccess",)},
            "managed",
            "compared",
            id="managed",
        ),
        pytest.param(
            "s3:ReadOnly",
            {"documents": (file_of(Action="s3:*"),)},
            "documents",
            "policy file 1': above the ceiling",
            id="a file",
        ),
        pytest.param(
            "s3:ReadOnly:b/*",
            {"documents": (file_of(Resource="arn:aws:s3:::other/:s3:::b/*"),)},
            "documents",
            "s3:GetObject on arn:aws:s3:::other/",
            id="a key that ends like an allowed one",
        ),
        pytest.param(
            "s3:FullAccess",
            {"documents": (file_of(Action=None, NotAction="iam:*"),)},
            "documents",
            "all actions but some",
            id="all actions but some",
        ),
        pytest.param(
            "s3:ReadOnly:data-*",
            {"documents": (file_of(Resource=None, NotResource="arn:aws:s3:::data-1/x"),)},
            "documents",
            "s3:GetObject on *",
            id="all resources but some",
        ),
    ],
)
def test_above(ceiling: str, permissions: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(Rejected) as rejected:
        check(ceiling, **permissions)
    assert rejected.value.field == field
    assert rejected.value.cause is Cause.PERMISSION
    assert said in rejected.value.message


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_a_level_is_within_those_that_include_it(name: str, level: Level) -> None:
    written = WRITTEN[name] if services()[name].forms_of(level) else ()
    for higher in (level, *NARROWER[level]):
        if higher in services()[name].levels:
            for each in ("", *(f":{resource}" for resource in written)):
                check(f"{name}:{higher}", policies=(f"{name}:{level}{each}",))


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_a_level_is_above_those_that_it_includes(name: str, level: Level) -> None:
    for lower in services()[name].levels:
        if level in NARROWER[lower]:
            with pytest.raises(Rejected):
                check(f"{name}:{lower}", policies=(f"{name}:{level}",))


def test_a_ceiling_that_is_none_names_its_variable() -> None:
    with pytest.raises(Rejected, match=r"SPAWN_IAM_CEILING: policies='s4:ReadOnly'"):
        read_ceiling(["s4:ReadOnly"])
