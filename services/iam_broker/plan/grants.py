"""Which role and profile a set of permissions needs, and what is missing in IAM; pure."""

import hashlib
import json
from collections.abc import Iterator

from services.iam_broker.model import (
    AddRole,
    Attach,
    CreateProfile,
    CreateRole,
    DeletePolicy,
    Detach,
    PutPolicy,
    SetBoundary,
    SetTrust,
    Steps,
    TagRole,
    Wanted,
)
from services.iam_broker.plan.content import Content
from services.iam_broker.plan.trust import TRUST, is_same, trusts_as_ours
from spawn.contracts.grants import Grant, InstanceProfile, Permissions, Role
from spawn.errors import Conflict

PATH = "/spawn/"
"""Under which all of our roles stand: who launches may pass these, and no others."""

SCHEMA = "2"
"""Goes up when what a grant is made of changes, so that old ones are not taken for new ones."""

POLICY = "spawn"
"""The name of a role's one inline policy."""

HASH_TAG = "spawn:grant-hash"
DEPLOYMENT_TAG = "spawn:deployment"
_NAME_DIGITS = 16


def plan_grant(content: Content, *, boundary: str, deployment: str) -> Wanted:
    """Say what is to be in IAM for a set of permissions, within the boundary of that ARN."""
    made_of = {
        "schema": SCHEMA,
        "deployment": deployment,
        "trust": TRUST,
        "boundary": boundary,
        "policy": json.loads(content.document) if content.document else None,
        "managed": sorted(content.managed),
    }
    digest = hashlib.sha256(canonical(made_of).encode()).hexdigest()
    name = role_name(digest)
    tags = {
        "spawn:managed": "true",
        DEPLOYMENT_TAG: deployment,
        HASH_TAG: digest,
        "spawn:grant-schema": SCHEMA,
    }
    return Wanted(
        grant=Grant(
            hash=digest,
            role=name,
            profile=name,
            path=PATH,
            statements=content.statements,
            permissions=content.permissions,
        ),
        role=Role(
            name=name,
            path=PATH,
            trust=canonical(TRUST),
            tags=tags,
            inline={POLICY: content.document} if content.document else {},
            attached=tuple(sorted(content.managed)),
            boundary=boundary,
        ),
    )


def steps_to(want: Role, role: Role | None, profile: InstanceProfile | None) -> tuple[Steps, ...]:
    """Return all that is to be done, in order; nothing when IAM has all of it.

    What is ours is completed and corrected. Raises `Conflict` when what is there is not ours.
    """
    if role is not None:
        _check_ours(want, role)
    if profile is not None:
        _check_profile(want, profile)
    return (*_to_role(want, role), *_to_profile(want, profile))


def is_ours(role: Role, *, deployment: str) -> bool:
    """Say whether a role is one that a broker of this deployment has made, for EC2 alone."""
    digest = role.tags.get(HASH_TAG, "")
    return (
        role.path == PATH
        and role.tags.get(DEPLOYMENT_TAG) == deployment
        and role.name == role_name(digest)
        and trusts_as_ours(role)
    )


def role_name(digest: str) -> str:
    """Return the name of the role and profile of a grant's hash."""
    return f"spawn-{digest[:_NAME_DIGITS]}"


def grant_of(role: Role) -> Grant:
    """Return the record of a role that is ours."""
    return Grant(
        hash=role.tags[HASH_TAG],
        role=role.name,
        profile=role.name,
        path=role.path,
        permissions=Permissions(managed=role.attached),
        made_at=role.created_at,
        used_at=role.used_at,
    )


def canonical(content: object) -> str:
    """Return the one way to write a value as JSON."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _to_role(want: Role, found: Role | None) -> Iterator[Steps]:
    if found is None:
        yield CreateRole(name=want.name, role=want, reason="there is no such role")
        found = Role(
            name=want.name,
            path=want.path,
            trust=want.trust,
            tags=want.tags,
            boundary=want.boundary,
        )
    # What limits a role comes before what it allows.
    if found.boundary != want.boundary:
        yield SetBoundary(name=want.name, arn=want.boundary, reason="its boundary is another")
    if not is_same(found.trust, want.trust):
        yield SetTrust(name=want.name, trust=want.trust, reason="others might assume it")
    yield from _to_policies(want, found)
    if not want.tags.items() <= found.tags.items():
        yield TagRole(name=want.name, tags=want.tags, reason="its tags are not whole")


def _to_policies(want: Role, found: Role) -> Iterator[Steps]:
    for policy in sorted(found.inline.keys() - want.inline.keys()):
        yield DeletePolicy(name=want.name, policy=policy, reason="it was not asked for")
    for arn in sorted({*found.attached} - {*want.attached}):
        yield Detach(name=want.name, arn=arn, reason="it was not asked for")
    for policy, document in sorted(want.inline.items()):
        if not is_same(found.inline.get(policy, ""), document):
            reason = "it says something else" if policy in found.inline else "it is not there"
            yield PutPolicy(name=want.name, policy=policy, document=document, reason=reason)
    for arn in sorted({*want.attached} - {*found.attached}):
        yield Attach(name=want.name, arn=arn, reason="it is not attached")


def _to_profile(want: Role, found: InstanceProfile | None) -> Iterator[Steps]:
    if found is None:
        yield CreateProfile(
            name=want.name, path=want.path, tags=want.tags, reason="there is no such profile"
        )
    if found is None or not found.roles:
        yield AddRole(name=want.name, reason="the profile is empty")


def _check_ours(want: Role, found: Role) -> None:
    marks = (HASH_TAG, DEPLOYMENT_TAG)
    if found.path != want.path or any(found.tags.get(one) != want.tags[one] for one in marks):
        raise Conflict(
            f"role {found.path}{found.name} was not made for this grant of deployment"
            f" {want.tags[DEPLOYMENT_TAG]}; delete it",
            code="GrantMismatch",
        )


def _check_profile(want: Role, found: InstanceProfile) -> None:
    if found.path != want.path or found.roles not in {(), (want.name,)}:
        raise Conflict(
            f"instance profile {found.path}{found.name} is not ours: it gives"
            f" {', '.join(found.roles) or 'no role'}; delete it",
            code="GrantMismatch",
        )
