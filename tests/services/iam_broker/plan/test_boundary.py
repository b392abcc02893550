"""The boundary: what no machine may do, and that it says so."""

import json
from pathlib import Path

import pytest

from services.iam_broker.plan.boundary import boundary_arn, boundary_policy, check_boundary
from spawn.errors import Conflict
from tests.fakes.aws import ACCOUNT

DOCUMENTED = Path(__file__).parents[4] / "docs" / "iam" / "boundary.json"
ARN = boundary_arn("aws", ACCOUNT)


def test_it_is_the_one_that_is_documented() -> None:
    text = DOCUMENTED.read_text().replace("{partition}", "aws-cn").replace("{account}", ACCOUNT)
    assert json.loads(boundary_policy("aws-cn", ACCOUNT)) == json.loads(text)


def test_it_is_small_enough_for_a_managed_policy() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(boundary_policy("aws-us-gov", ACCOUNT)) < 6144


def test_one_that_was_written_otherwise_is_the_same() -> None:
    policy = boundary_policy("aws", ACCOUNT)
    check_boundary(ARN, json.dumps(json.loads(policy), indent=4), policy)


@pytest.mark.parametrize("found", ["", "{}", '{"Statement": []}'])
def test_one_that_says_less_is_refused(found: str) -> None:
    with pytest.raises(Conflict, match=ARN):
        check_boundary(ARN, found, boundary_policy("aws", ACCOUNT))
