"""IAM's and STS's calls.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from collections.abc import Iterable
from typing import Any

from moto.iam.models import iam_backends

from sandbox.iam.evaluator import Question
from sandbox.iam.principals import role_named
from sandbox.iam.questions.asking import Asking, Values, carried, form_tags, question, requested
from sandbox.iam.questions.passing import passing, profile_of

_LISTED = {
    "ListRoles": "role",
    "ListInstanceProfiles": "instance-profile",
    "ListPolicies": "policy",
    "ListUsers": "user",
}
_MADE = {
    "CreateRole": ("role", "RoleName"),
    "CreateInstanceProfile": ("instance-profile", "InstanceProfileName"),
    "CreatePolicy": ("policy", "PolicyName"),
    "CreateUser": ("user", "UserName"),
}
_TAGGED_BY = {
    "CreateRole": "iam:TagRole",
    "CreateInstanceProfile": "iam:TagInstanceProfile",
    "CreatePolicy": "iam:TagPolicy",
    "CreateUser": "iam:TagUser",
}
"""What is asked for beside, when tags are given at once
(https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html)."""

_BY_ROLES_BOUNDARY = frozenset(
    {
        "PutRolePolicy",
        "DeleteRolePolicy",
        "AttachRolePolicy",
        "DetachRolePolicy",
        "DeleteRolePermissionsBoundary",
    }
)
"""Calls for which `iam:PermissionsBoundary` is the boundary that the role has."""


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call to IAM asks for."""
    call = asking.call
    action = f"iam:{call.action}"
    resource, context = _resource(asking), _context(asking)
    yield question(action, resource, context)
    if call.action in _TAGGED_BY and "aws:tagkeys" in context:
        yield question(_TAGGED_BY[call.action], resource, context)
    if call.action == "AddRoleToInstanceProfile":
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html
        yield passing(asking, _role_arn(asking, call.form.get("RoleName", "")), instances="*")


def ask_sts(asking: Asking) -> Iterable[Question]:
    """Yield what a call to STS asks for; who one is may always be asked."""
    call = asking.call
    if call.action in {"GetCallerIdentity", "GetSessionToken"}:
        return
    given = {
        "sts:rolesessionname": call.form.get("RoleSessionName", ""),
        "sts:externalid": call.form.get("ExternalId", ""),
    }
    context: dict[str, Values] = {key: (value,) for key, value in given.items() if value}
    role = _role_by_arn(asking, call.form.get("RoleArn", ""))
    if role is not None:
        context |= carried({tag["Key"]: tag["Value"] for tag in role.tags}, service="iam")
    yield question(f"sts:{call.action}", call.form.get("RoleArn", "*"), context)


def _resource(asking: Asking) -> str:
    form, action = asking.call.form, asking.call.action
    if action in _LISTED:
        return asking.global_arn("iam", f"{_LISTED[action]}{form.get('PathPrefix', '/')}")
    if action in _MADE:
        kind, name = _MADE[action]
        return asking.global_arn("iam", f"{kind}{form.get('Path', '/')}{form.get(name, '')}")
    if "InstanceProfileName" in form:
        name = form["InstanceProfileName"]
        profile = profile_of(asking, name=name)
        path = "/" if profile is None else str(profile.path)
        return asking.global_arn("iam", f"instance-profile{path}{name}")
    if "RoleName" in form:
        return _role_arn(asking, form["RoleName"])
    if "UserName" in form:
        return _user_arn(asking, form["UserName"])
    return form.get("PolicyArn", "*")


def _context(asking: Asking) -> dict[str, Values]:
    form, action = asking.call.form, asking.call.action
    context = requested(form_tags(form))
    if "PolicyArn" in form:
        context["iam:policyarn"] = (form["PolicyArn"],)
    role = role_named(asking.call.account, form.get("RoleName", ""))
    boundary = form.get("PermissionsBoundary", "")
    if role is not None and action not in _MADE:
        context |= carried({tag["Key"]: tag["Value"] for tag in role.tags}, service="iam")
        if action in _BY_ROLES_BOUNDARY:
            boundary = role.permissions_boundary_arn or ""
    if boundary:
        context["iam:permissionsboundary"] = (boundary,)
    return context


def _role_arn(asking: Asking, name: str) -> str:
    role = role_named(asking.call.account, name)
    return asking.global_arn("iam", f"role/{name}") if role is None else str(role.arn)


def _role_by_arn(asking: Asking, arn: str) -> Any:
    role = role_named(asking.call.account, arn.rpartition("/")[2])
    return role if role is not None and str(role.arn) == arn else None


def _user_arn(asking: Asking, name: str) -> str:
    user: Any = iam_backends[asking.call.account]["aws"].users.get(name)
    return asking.global_arn("iam", f"user/{name}") if user is None else str(user.arn)
