"""Actions by which a machine can become more than it was made for, or read what is secret.

https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/
"""

import re
from collections.abc import Iterator

from spawn.permissions.patterns import covers_action, is_wild
from spawn.permissions.statements import Statement
from spawn.permissions.templates import services

_GRANTING = "it grants itself other permissions"
_ACTING = "it acts with the permissions of another"
_RUNNING = "it runs code with the permissions of what it changes"

ESCALATIONS = {
    "iam:AddRoleToInstanceProfile": _ACTING,
    "iam:AddUserToGroup": _GRANTING,
    "iam:AttachGroupPolicy": _GRANTING,
    "iam:AttachRolePolicy": _GRANTING,
    "iam:AttachUserPolicy": _GRANTING,
    "iam:CreateAccessKey": _ACTING,
    "iam:CreateLoginProfile": _ACTING,
    "iam:CreatePolicyVersion": _GRANTING,
    "iam:DeleteRolePermissionsBoundary": _GRANTING,
    "iam:PassRole": _ACTING,
    "iam:PutGroupPolicy": _GRANTING,
    "iam:PutRolePermissionsBoundary": _GRANTING,
    "iam:PutRolePolicy": _GRANTING,
    "iam:PutUserPolicy": _GRANTING,
    "iam:SetDefaultPolicyVersion": _GRANTING,
    "iam:UpdateAssumeRolePolicy": _ACTING,
    "iam:UpdateLoginProfile": _ACTING,
    "ec2:AssociateIamInstanceProfile": _ACTING,
    "ec2:ReplaceIamInstanceProfileAssociation": _ACTING,
    "glue:UpdateDevEndpoint": _RUNNING,
    "lambda:UpdateFunctionCode": _RUNNING,
    "lambda:UpdateFunctionConfiguration": _RUNNING,
    "ssm:SendCommand": _RUNNING,
    "ssm:StartSession": _RUNNING,
}
"""Dangerous on whatever resource."""

ASSUMING = ("sts:AssumeRole",)
"""Dangerous where no role is named."""

SECRETS = (
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:GetParameterHistory",
    "kms:Decrypt",
)
"""What reads a secret."""

_ANY = re.compile(r"\*|arn(?::[^:]*){4}:(?:(?:role|parameter|key)/|secret:)?[*?:/-]+")
"""No resource in particular, or every role, parameter, key or secret."""


def escalations(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield actions by which a machine could widen its permissions, and how."""
    for danger, how in ESCALATIONS.items():
        if allows(statement, danger) and not _is_passed_on_only(statement, danger):
            yield danger, how
    for danger in ASSUMING:
        if allows(statement, danger) and is_everywhere(statement):
            yield danger, _ACTING


def secrets(statement: Statement) -> tuple[str, ...]:
    """Return the actions that read every secret of the account."""
    if not is_everywhere(statement) or statement.conditions:
        return ()
    return tuple(each for each in SECRETS if allows(statement, each))


def allows(statement: Statement, action: str) -> bool:
    """Say whether an action is one of a statement's."""
    named = any(covers_action(each, action) for each in statement.actions)
    return named != statement.other_actions


def is_everywhere(statement: Statement) -> bool:
    """Say whether a statement names no resource: `*`, or an ARN of nothing but wildcards."""
    return statement.other_resources or any(_ANY.fullmatch(each) for each in statement.resources)


def takes_no_resource(action: str) -> bool:
    """Say whether IAM knows no resource that an action could be limited to, as far as we know."""
    service, _, name = action.partition(":")
    known = services().get(service)
    if known is None or is_wild(name):
        return name.startswith(("Describe", "List"))
    rules = [rule for rule in known.rules if name in rule.actions]
    return all(not rule.on for rule in rules) if rules else name.startswith("Describe")


def _is_passed_on_only(statement: Statement, action: str) -> bool:
    """Say whether roles that are named may be passed to one service: what IAM recommends."""
    keys = {each.key.lower() for each in statement.conditions}
    named = not any(map(is_wild, statement.resources)) and not statement.other_resources
    return action == "iam:PassRole" and named and "iam:passedtoservice" in keys
