"""Roles that exist and are not ours: which of them machines may be given; pure."""

import hashlib

from services.iam_broker.plan.grants import canonical
from services.iam_broker.plan.trust import trusts_ec2_alone
from spawn.contracts.grants import Grant, Permissions, Role
from spawn.errors import Cause, Rejected

_FIELD = "role"


def check_alone(permissions: Permissions) -> None:
    """Raise `Rejected` when something is to be added to a role that is not ours to change."""
    if permissions.role and (permissions.policies or permissions.managed or permissions.documents):
        raise Rejected(
            f"role={permissions.role!r} is not ours to add permissions to: use it alone, or leave"
            " it out and name its policies with --iam-managed-policies",
            field=_FIELD,
        )


def check_allowed(name: str, allowed: tuple[str, ...]) -> None:
    """Raise `Rejected` unless an operator lets machines have the role of this name."""
    if name in allowed:
        return
    listed = f"it lists {', '.join(allowed)}" if allowed else "it is empty"
    raise Rejected(
        f"role={name!r} does not stand in SPAWN_IAM_ALLOWED_ROLES of the control plane: {listed}",
        field=_FIELD,
        code="RoleNotAllowed",
        cause=Cause.PERMISSION,
    )


def plan_existing(role: Role, profiles: tuple[str, ...], *, deployment: str) -> Grant:
    """Return the grant that an existing role is; raise `Rejected` for one that can't be used."""
    if not trusts_ec2_alone(role.trust):
        raise Rejected(
            f"role={role.name!r}: machines prove who they are by their role, which EC2 alone may"
            " be able to assume; let its trust policy name ec2.amazonaws.com and nothing else",
            field=_FIELD,
            code="RoleTrust",
        )
    if not profiles:
        raise Rejected(
            f"role={role.name!r} is in no instance profile; make one: aws iam"
            f" create-instance-profile --instance-profile-name {role.name}, then aws iam"
            f" add-role-to-instance-profile --instance-profile-name {role.name}"
            f" --role-name {role.name}",
            field=_FIELD,
            code="RoleProfile",
        )
    profile = role.name if role.name in profiles else min(profiles)
    content = {"deployment": deployment, "role": role.name, "path": role.path, "profile": profile}
    return Grant(
        hash=hashlib.sha256(canonical(content).encode()).hexdigest(),
        role=role.name,
        profile=profile,
        path=role.path,
        ours=False,
        statements=(f"whatever the existing role {role.name} allows",),
        permissions=Permissions(role=role.name),
    )
