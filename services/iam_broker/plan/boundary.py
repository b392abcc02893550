"""The boundary of all our roles: what no machine may do, whatever it is granted; pure.

Whoever may launch must not gain by it what he may not do himself: bus access is no account access.
"""

from services.iam_broker.plan.grants import PATH, canonical
from services.iam_broker.plan.trust import is_same
from spawn.errors import Conflict

NAME = "spawn-boundary"

_ACCOUNT_ACTIONS = (
    "account:*",
    "iam:*",
    "identitystore:*",
    "organizations:*",
    "rolesanywhere:*",
    "sso-directory:*",
    "sso:*",
    "sts:AssumeRoot",
)
_MACHINE_ACTIONS = (
    "autoscaling:Create*",
    "autoscaling:ExecutePolicy",
    "autoscaling:Put*",
    "autoscaling:Set*",
    "autoscaling:StartInstanceRefresh",
    "autoscaling:Update*",
    "ec2:AssociateIamInstanceProfile",
    "ec2:CreateFleet",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:CreateTags",
    "ec2:DeleteTags",
    "ec2:ModifyFleet",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyLaunchTemplate",
    "ec2:ModifySpotFleetRequest",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:RequestSpotFleet",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "ec2:RunScheduledInstances",
    "ec2:StartInstances",
)
"""What starts machines, gives them roles or other user-data, or makes them look like ours."""

_OTHERS_CODE = (
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:Create*",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:RollbackStack",
    "cloudformation:Update*",
    "codebuild:StartBuild*",
    "codebuild:UpdateProject",
    "ec2-instance-connect:*",
    "ecs:ExecuteCommand",
    "glue:UpdateDevEndpoint",
    "ssm:CreateAssociation",
    "ssm:CreateAssociationBatch",
    "ssm:ResumeSession",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "ssm:StartSession",
    "ssm:UpdateAssociation",
)
"""What runs code by a role that something has already, so that IAM asks for no PassRole."""


def boundary_arn(partition: str, account: str) -> str:
    """Return the ARN of our boundary."""
    return f"arn:{partition}:iam::{account}:policy{PATH}{NAME}"


def boundary_policy(partition: str, account: str) -> str:
    """Return the document of our boundary, as canonical JSON."""
    statements = [
        {"Sid": "WhatIsGranted", "Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Sid": "NothingOfTheAccount",
            "Effect": "Deny",
            "Action": [*_ACCOUNT_ACTIONS],
            "Resource": "*",
        },
        {
            "Sid": "NoRolesOfOthers",
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            "NotResource": f"arn:{partition}:iam::{account}:role{PATH}*",
        },
        {
            "Sid": "NoMachines",
            "Effect": "Deny",
            "Action": [*_MACHINE_ACTIONS],
            "Resource": "*",
        },
        {
            "Sid": "NoCodeByRolesOfOthers",
            "Effect": "Deny",
            "Action": [*_OTHERS_CODE],
            "Resource": "*",
        },
    ]
    return canonical({"Version": "2012-10-17", "Statement": statements})


def check_boundary(arn: str, found: str, wanted: str) -> None:
    """Raise `Conflict` when the boundary has been changed."""
    if not is_same(found, wanted):
        raise Conflict(
            f"the boundary {arn} does not say what it must: make what"
            " scripts/service_policy.py prints of boundary its default version (aws iam"
            " create-policy-version --set-as-default), delete it where no role has it, or name"
            " one of your own in SPAWN_IAM_BOUNDARY",
            code="BoundaryMismatch",
        )
