"""The boundary: what no machine may do, and that it says so."""

import json
from pathlib import Path

import pytest

from services.iam_broker.plan.boundary import boundary_arn, boundary_policy, check_boundary
from spawn.errors import Conflict
from spawn.permissions.patterns import covers_action
from tests.fakes.aws import ACCOUNT

DOCUMENTED = Path(__file__).parents[4] / "docs" / "iam" / "boundary.json"
ARN = boundary_arn("aws", ACCOUNT)


def is_denied(action: str) -> bool:
    """Say whether an action is denied on every resource."""
    return any(
        covers_action(each, action)
        for statement in json.loads(boundary_policy("aws", ACCOUNT))["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Resource") == "*"
        for each in statement["Action"]
    )


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


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:SetDesiredCapacity",
        "cloudformation:UpdateStack",
        "codebuild:StartBuild",
        "ec2-instance-connect:SendSSHPublicKey",
        "ec2:ModifyInstanceAttribute",
        "ec2:RunInstances",
        "iam:PassRole",
        "ssm:SendCommand",
        "sts:AssumeRoot",
    ],
)
def test_it_denies_what_makes_of_a_machine_more_than_it_was_made_for(action: str) -> None:
    assert is_denied(action)


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:DescribeAutoScalingGroups",
        "cloudformation:DescribeStacks",
        "lambda:UpdateFunctionCode",
        "s3:PutObject",
        # What the agent of Systems Manager does, with AmazonSSMManagedInstanceCore.
        "ssm:UpdateAssociationStatus",
        "ssm:UpdateInstanceInformation",
    ],
)
def test_it_leaves_what_machines_are_granted(action: str) -> None:
    assert not is_denied(action)
