"""Grants: a role and its instance profile, made for a set of permissions."""

import msgspec

BUCKET = "spawn-grants"
"""Key-value bucket of `Grant`, keyed by its hash; written by the IAM broker alone."""

API_ENSURE = "spawn.api.iam_broker.ensure"


class GrantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What permissions are asked for; none at all is the empty grant."""

    policies: tuple[str, ...] = ()


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What EC2 is given: the profile's name, whose only role has the same name.

    `hash` is the SHA-256 of the canonical policy, in hexadecimal.
    """

    hash: str
    role: str
    profile: str
    path: str


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """An IAM role. `trust` is the policy document that says who may assume it, as JSON.

    `policies` are what it is allowed: names of inline policies and ARNs of attached ones.
    """

    name: str
    path: str
    trust: str
    tags: dict[str, str]
    policies: tuple[str, ...] = ()


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True):
    """An instance profile: by it EC2 gives instances a role, one at most."""

    name: str
    path: str
    roles: tuple[str, ...]
