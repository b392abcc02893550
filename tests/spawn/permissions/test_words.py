"""What a policy allows, as people say it."""

import json
from typing import Any

import pytest

from spawn.contracts.grants import Permissions
from spawn.permissions.policies import make_policy
from spawn.permissions.templates import services
from spawn.permissions.words import describe
from tests.spawn.permissions.strategies import REALM, items_of


def said(*policies: str, **more: Any) -> tuple[str, ...]:
    return describe(make_policy(Permissions(policies=policies, **more), REALM))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("s3:ReadOnly", "s3: lists and reads objects of every bucket"),
        ("s3:ReadOnly:b", "s3: lists and reads objects of bucket b"),
        ("s3:ReadOnly:b/*", "s3: lists and reads objects of bucket b"),
        (
            "s3:ReadOnly:my-bucket/datasets/*",
            "s3: lists and reads objects of bucket my-bucket under datasets/",
        ),
        (
            "s3:WriteOnly:a+b/x",
            "s3: writes objects of bucket a and of bucket b under x",
        ),
        ("s3:WriteOnly:arn:aws:s3:::a", "s3: writes objects of bucket a"),
        (
            "dynamodb:WriteOnly:arn:aws:dynamodb:eu-west-1:111122223333:table/jobs",
            "dynamodb: writes items of table jobs in eu-west-1 of 111122223333",
        ),
        ("sqs:ReadOnly:jobs", "sqs: receives messages, without deleting any, of queue jobs"),
        ("cloudwatch:ReadOnly", "cloudwatch: reads metrics, alarms and dashboards"),
        ("kms:ReadOnly:alias/x", "kms: decrypts with the help of the key with alias x"),
        ("ec2:ReadOnly", "ec2: looks at instances, images, networks and volumes"),
    ],
)
def test_an_item_in_words(item: str, words: str) -> None:
    assert said(item) == (words,)


@pytest.mark.parametrize("service", services())
def test_every_item_has_words_without_gaps(service: str) -> None:
    for item in items_of(service):
        (words,) = said(item)
        assert "{" not in words
        assert "  " not in words


def test_a_policy_file_in_words() -> None:
    statements = [
        {
            "Effect": "Allow",
            "Action": ["s3:A", "s3:B", "s3:C", "s3:D", "s3:E", "s3:F"],
            "Resource": "arn:aws:s3:::b",
            "Condition": {"StringLike": {"s3:x": ["y", "z"]}},
        },
        {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    words = said(documents=(document,))
    assert [each.removesuffix(" (policy file 1)") for each in words] == [
        "allows s3:A, s3:B, s3:C, s3:D and 2 more on arn:aws:s3:::b, if s3:x is StringLike y or z",
        "denies all but s3:* on everything",
    ]


def test_a_managed_policy_in_words() -> None:
    assert said(managed=("AmazonS3ReadOnlyAccess",)) == (
        "has all that AmazonS3ReadOnlyAccess allows",
    )
