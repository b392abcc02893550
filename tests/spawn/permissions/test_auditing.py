"""What parliament finds, in our words, and that it does not fail on what the grammar takes."""

import json
from typing import Any

import pytest

from spawn.contracts.grants import Permissions
from spawn.permissions.auditing import audit, is_installed
from spawn.permissions.grammar import read_document
from spawn.permissions.policies import make_policy
from spawn.permissions.templates import services
from tests.spawn.permissions.definitions import definitions
from tests.spawn.permissions.strategies import REALM, items_of

STALE = "s3:GetObjectAttributes takes"
"""Its definitions are older than that objects are taken, too."""


def document(**elements: Any) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **elements}]})
    assert read_document(text)
    return text


def test_it_is_installed_where_tests_run() -> None:
    assert is_installed()


@pytest.mark.parametrize(
    ("elements", "code", "said"),
    [
        pytest.param({"Action": "s3:GetObjekt"}, "UNKNOWN_ACTION", "s3:GetObjekt", id="action"),
        pytest.param({"Action": "s4:GetObject"}, "UNKNOWN_PREFIX", "s4", id="service"),
        pytest.param(
            {"Resource": "arn:aws:s3:::b"},
            "RESOURCE_MISMATCH",
            "s3:GetObject takes arn:*:s3:::*/*",
            id="a bucket where an object is taken",
        ),
        pytest.param(
            {"Condition": {"StringEquals": {"s3:nothing": "x"}}},
            "UNKNOWN_CONDITION_FOR_ACTION",
            "s3:nothing",
            id="condition key",
        ),
    ],
)
def test_findings_are_cautions(elements: dict[str, Any], code: str, said: str) -> None:
    found = {each.code: each for each in audit(document(**elements), "mine.json")}
    assert said in found[code].message
    assert found[code].where == "mine.json, Statement[0]"
    assert ": use " in found[code].message


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({}, id="nothing wrong"),
        pytest.param({"Resource": "*"}, id="what cautions say already"),
        pytest.param({"Action": "s3:*", "Condition": {"Bool": {"s3:x": "true"}}}, id="wildcards"),
        pytest.param({"Effect": "Deny", "Action": "*", "Resource": "*"}, id="denied"),
        pytest.param({"Condition": {"Null": {"s3:prefix": "true"}}, "Action": "s3:ListBucket",
                      "Resource": "arn:aws:s3:::b"}, id="null"),
        pytest.param({"Condition": {"StringLike": {"s3:prefix": ["a", "b"]}},
                      "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}, id="list"),
    ],
)  # fmt: skip
def test_nothing_is_found_in_what_is_right(elements: dict[str, Any]) -> None:
    assert audit(document(**elements), "mine.json") == ()


@pytest.mark.parametrize("operator", ["NumericEquals", "DateLessThan", "IpAddress", "ArnLike"])
@pytest.mark.parametrize("value", ["x", "", "2026-01-01", "10.0.0.0/8"])
def test_odd_conditions_do_not_make_it_fail(operator: str, value: str) -> None:
    text = document(Condition={operator: {"aws:SourceIp": value}})
    assert isinstance(audit(text, "x"), tuple)


@pytest.mark.parametrize("service", services())
def test_nothing_is_found_in_what_the_language_writes(service: str) -> None:
    """But of keys by their alias: it does not know the condition."""
    for item in (each for each in items_of(service) if ":alias/" not in each):
        policy = make_policy(Permissions(policies=(item,)), REALM)
        found = audit(policy.document, item)
        assert [each for each in found if STALE not in each.message] == []


@pytest.mark.parametrize("service", ["s3", "iam", "ec2", "sts", "autoscaling", "logs", "kms"])
def test_every_action_of_a_service_can_be_audited(service: str) -> None:
    actions = [f"{service}:{name}" for name in definitions()[service]["privileges"]][:150]
    assert isinstance(audit(document(Action=actions, Resource="*"), "x"), tuple)
