"""Permissions as a whole: one canonical document, its size, its hash."""

import json
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.contracts.grants import Permissions
from spawn.errors import Cause, Rejected
from spawn.permissions.grammar import read_document
from spawn.permissions.limits import INLINE_LIMIT
from spawn.permissions.policies import MOST_DOCUMENTS, Policy, make_policy
from spawn.permissions.realm import Realm, partition_of
from spawn.permissions.templates import services
from tests.spawn.permissions.strategies import REALM, items, items_of

FILE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "One", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
            {"Effect": "Deny", "NotAction": ["s3:*", "logs:*"], "Resource": "*"},
        ],
    },
    indent=4,
)


def policy_of(*policies: str, realm: Realm = REALM, **more: Any) -> Policy:
    return make_policy(Permissions(policies=policies, **more), realm)


def test_nothing_is_an_empty_document() -> None:
    empty = policy_of()
    assert (empty.document, empty.size, empty.managed, empty.statements) == ("", 0, (), ())


def test_the_order_of_items_makes_no_other_grant() -> None:
    one = policy_of("s3:ReadOnly,logs:WriteOnly")
    other = policy_of("logs:WriteOnly,s3:ReadOnly")
    assert one == other


def test_another_resource_makes_another_grant() -> None:
    assert policy_of("s3:ReadOnly:a").document != policy_of("s3:ReadOnly:b").document


def test_the_order_of_managed_policies_makes_no_other_grant() -> None:
    one = policy_of(managed=("AmazonS3ReadOnlyAccess", "CloudWatchReadOnlyAccess"))
    other = policy_of(managed=("CloudWatchReadOnlyAccess", "AmazonS3ReadOnlyAccess"))
    assert one == other != policy_of()


@given(st.lists(items(), max_size=5), st.randoms(use_true_random=False))
def test_order_case_and_repetition_make_no_other_document(
    written: list[str], random: Random
) -> None:
    shuffled = [*written, *written[:2]]
    random.shuffle(shuffled)
    shouted = [each.partition(":")[0].upper() + ":" + each.partition(":")[2] for each in shuffled]
    assert policy_of(*shouted).document == policy_of(*written).document


@pytest.mark.parametrize("service", services())
def test_what_the_language_writes_is_a_document_by_iams_grammar(service: str) -> None:
    for item in items_of(service):
        policy = policy_of(item)
        assert sorted(read_document(policy.document)) == sorted(policy.statements)
        assert policy.size == len(policy.document) <= INLINE_LIMIT


def test_arns_are_completed_with_the_realm() -> None:
    realm = Realm(partition="aws-cn", region="cn-north-1", account="222233334444")
    document = policy_of("sqs:WriteOnly:jobs", realm=realm).document
    assert "arn:aws-cn:sqs:cn-north-1:222233334444:jobs" in document


def test_an_arn_is_left_as_it_is() -> None:
    arn = "arn:aws:sqs:eu-west-1:999988887777:jobs"
    assert f'"Resource":"{arn}"' in policy_of(f"sqs:WriteOnly:{arn}").document


def test_a_prefix_of_a_bucket_limits_what_is_listed_too() -> None:
    statements = json.loads(policy_of("s3:ReadOnly:my-bucket/datasets/*").document)["Statement"]
    listing = next(each for each in statements if "s3:ListBucket" in each["Action"])
    assert listing["Resource"] == "arn:aws:s3:::my-bucket"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "datasets/*"}}


def test_everything_under_a_bucket_is_the_bucket_to_those_who_read_it() -> None:
    assert policy_of("s3:ReadOnly:b/*").document == policy_of("s3:ReadOnly:b").document


def test_everything_under_a_bucket_is_not_the_bucket_to_those_who_may_do_all() -> None:
    statements = json.loads(policy_of("s3:FullAccess:b/*").document)["Statement"]
    assert {each["Resource"]: each["Action"] for each in statements} == {
        "arn:aws:s3:::b/*": "s3:*",
        "arn:aws:s3:::b": "s3:ListBucket",
    }


def test_a_queue_is_consumed_with_read_write() -> None:
    document = policy_of("sqs:ReadWrite:jobs").document
    assert {"sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"} <= {
        *json.loads(document)["Statement"][0]["Action"]
    }


def test_policy_files_and_items_are_one_document() -> None:
    policy = policy_of("s3:ReadOnly:my-bucket", documents=(FILE,))
    written = json.loads(policy.document)
    assert written["Version"] == "2012-10-17"
    assert {"Effect": "Deny", "NotAction": ["logs:*", "s3:*"], "Resource": "*"} in written[
        "Statement"
    ]
    assert "Sid" not in policy.document


def test_the_order_of_policy_files_makes_no_other_grant() -> None:
    files = [FILE, FILE.replace("One", "Two").replace("s3:GetObject", "sqs:SendMessage")]
    documents = {policy_of(documents=each).document for each in permutations(files)}
    assert len(documents) == 1


def test_what_is_too_large_is_rejected_with_its_size_and_what_to_do() -> None:
    buckets = [f"s3:ReadWrite:{'long-name-of-a-bucket-' * 2}{number}" for number in range(99)]
    with pytest.raises(Rejected) as rejected:
        policy_of(*buckets)
    assert rejected.value.cause is Cause.QUOTA
    assert f"IAM takes {INLINE_LIMIT}" in rejected.value.message
    assert "wildcards" in rejected.value.message


@pytest.mark.parametrize(
    ("permissions", "field", "said"),
    [
        pytest.param({"managed": ("a b",)}, "managed", "use the name", id="no name"),
        pytest.param({"managed": ("arn:aws:s3:::b",)}, "managed", "or an ARN", id="no policy"),
        pytest.param(
            {"managed": tuple(f"P{number}" for number in range(21))},
            "managed",
            "IAM attaches 20 to a role at most",
            id="too many",
        ),
        pytest.param(
            {"documents": tuple(" " * each + FILE for each in range(MOST_DOCUMENTS + 1))},
            "documents",
            f"use {MOST_DOCUMENTS} at most",
            id="too many files",
        ),
    ],
)
def test_what_iam_would_not_take_is_rejected(
    permissions: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Rejected) as rejected:
        policy_of(**permissions)
    assert rejected.value.field == field
    assert said in rejected.value.message


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        pytest.param(
            "AmazonS3ReadOnlyAccess",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            id="one of AWS's",
        ),
        pytest.param(
            "service-role/AmazonEC2RoleforSSM",
            "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM",
            id="with its path",
        ),
        pytest.param(
            "arn:aws:iam::111122223333:policy/team/ours",
            "arn:aws:iam::111122223333:policy/team/ours",
            id="an ARN",
        ),
    ],
)
def test_managed_policies_are_named_by_name_or_arn(name: str, arn: str) -> None:
    assert policy_of(managed=(name, f" {name} ")).managed == (arn,)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_a_region_has_a_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def file_of(actions: list[str]) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


MANY = [[f"s{number}:{i}*" for i in range(600)] for number in range(2)]
BUCKETS = tuple("s3:ReadOnly:" + "+".join(f"{name}{i}" for i in range(300)) for name in "ab")


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"policies": BUCKETS}, id="resources"),
        pytest.param({"policies": ("s3:ReadOnly:" + "aa+" * 500 + "aa",) * 2}, id="repeated"),
        pytest.param({"documents": tuple(map(file_of, MANY))}, id="actions"),
    ],
)
def test_more_than_can_fit_is_not_compared(asked: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="1000"):
        make_policy(Permissions(**asked), REALM)
