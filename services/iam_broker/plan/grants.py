"""Which role and profile a grant needs, and the next step to them."""

import hashlib
import json

from services.iam_broker.model import (
    AddRole,
    CreateProfile,
    CreateRole,
    SetTrust,
    Steps,
    Wanted,
)
from spawn.contracts.grants import Grant, GrantRequest, InstanceProfile, Role
from spawn.errors import Conflict, Rejected

PATH = "/spawn/"
"""Under which all of our roles stand: who launches may pass these, and no others."""

SCHEMA = "1"
"""Goes up when what a grant is made of changes, so that old ones are not taken for new ones."""

HASH_TAG = "spawn:grant-hash"
_DEPLOYMENT_TAG = "spawn:deployment"
_NAME_DIGITS = 16
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def plan_grant(request: GrantRequest, *, deployment: str) -> Wanted:
    """Say what is to be in IAM; raise `Rejected` for permissions that can't be granted."""
    if request.policies:
        raise Rejected(
            f"policies={', '.join(request.policies)!r}: only machines without permissions of"
            " their own can be launched",
            field="policies",
        )
    content = {"schema": SCHEMA, "deployment": deployment, "trust": _TRUST, "policy": None}
    digest = hashlib.sha256(_canonical(content).encode()).hexdigest()
    name = f"spawn-{digest[:_NAME_DIGITS]}"
    tags = {
        "spawn:managed": "true",
        _DEPLOYMENT_TAG: deployment,
        HASH_TAG: digest,
        "spawn:grant-schema": SCHEMA,
    }
    return Wanted(
        grant=Grant(hash=digest, role=name, profile=name, path=PATH),
        role=Role(name=name, path=PATH, trust=_canonical(_TRUST), tags=tags),
    )


def next_step(wanted: Wanted, role: Role | None, profile: InstanceProfile | None) -> Steps | None:
    """Return what to do next; None when IAM has all of it.

    Raises `Conflict` when what is there is not ours, or is more than we would grant.
    """
    want = wanted.role
    if role is None:
        return CreateRole(role=want, reason="there is no such role")
    _check_ours(want, role)
    if not trusts_as_ours(role):
        return SetTrust(role=want, reason="others than EC2 might assume the role")
    if profile is None:
        return CreateProfile(role=want, reason="there is no such profile")
    if not profile.roles:
        return AddRole(role=want, reason="the profile is empty")
    if profile.roles != (want.name,) or profile.path != want.path:
        raise Conflict(
            f"instance profile {profile.path}{profile.name} is not ours: it gives"
            f" {', '.join(profile.roles)}; delete it",
            code="GrantMismatch",
        )
    return None


def is_ours(role: Role, *, deployment: str) -> bool:
    """Say whether a role is one that a broker of this deployment has made, unchanged."""
    digest = role.tags.get(HASH_TAG, "")
    return (
        role.path == PATH
        and role.tags.get(_DEPLOYMENT_TAG) == deployment
        and role.name == f"spawn-{digest[:_NAME_DIGITS]}"
        and trusts_as_ours(role)
    )


def grant_of(role: Role) -> Grant:
    """Return the record of a role that is ours."""
    return Grant(hash=role.tags[HASH_TAG], role=role.name, profile=role.name, path=role.path)


def trusts_as_ours(role: Role) -> bool:
    """Say whether EC2, and nobody else, may assume a role."""
    try:
        return json.loads(role.trust) == _TRUST
    except ValueError:
        return False


def _check_ours(want: Role, found: Role) -> None:
    known = {name: found.tags.get(name, "") for name in want.tags}
    if found.path != want.path or known != want.tags:
        raise Conflict(
            f"role {found.path}{found.name} was not made for this deployment; delete it",
            code="GrantMismatch",
        )
    if found.policies:
        raise Conflict(
            f"role {found.path}{found.name} allows more than was asked for"
            f" ({', '.join(found.policies)}); take these policies from it",
            code="GrantMismatch",
        )


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
