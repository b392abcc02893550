"""Grants: a role and its instance profile, made for a set of permissions."""

from datetime import datetime

import msgspec

BUCKET = "spawn-grants"
"""Key-value bucket of `Grant`, keyed by its hash; written by the IAM broker alone."""

API_ENSURE = "spawn.api.iam_broker.ensure"
API_DESCRIBE = "spawn.api.iam_broker.describe"
API_LINT = "spawn.api.iam_broker.lint"
API_COLLECT = "spawn.api.iam_broker.collect"


class Permissions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What machines may do in AWS; nothing at all is the empty grant.

    `policies` are `service:Level[:resource]`; `managed` are names or ARNs of managed policies;
    `documents` are policies as JSON texts; `role` is the name of a role that exists, which
    stands for all of these.
    """

    policies: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    role: str | None = None
    documents: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether machines may do nothing at all."""
        return not (self.policies or self.managed or self.role or self.documents)


class GrantRequest(Permissions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the grant of these permissions.

    ARNs are completed with `region`, the broker's own when empty. `grant.ready` is said of
    `array_id`, where given. `strict` rejects what would otherwise be warned of. `again` says that
    EC2 does not know the profile, so that IAM is looked at however short ago that was done.
    """

    region: str = ""
    array_id: str = ""
    strict: bool = False
    again: bool = False


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What EC2 is given: the profile's name, whose only role has the same name.

    `hash` is the SHA-256 of all that the grant is made of, in hexadecimal. A role that existed
    before is not `ours`: its profile may be named otherwise, and it is never changed or deleted.
    `statements` say in words what it allows.
    """

    hash: str
    role: str
    profile: str
    path: str
    ours: bool = True
    statements: tuple[str, ...] = ()
    permissions: Permissions = Permissions()
    made_at: datetime | None = None
    used_at: datetime | None = None


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """What permissions allow beyond what it seems; `narrower` is what to write instead.

    `code` is stable, in capitals; `where` is the policy or statement that it is about.
    """

    code: str
    message: str
    where: str = ""
    narrower: str = ""


class GrantDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What would be granted: the answer of `spawn.api.iam_broker.describe`.

    `document` is the inline policy as minified JSON, empty when there is none; `size` and `limit`
    are its characters without white space, and how many IAM allows; `managed` are ARNs.
    """

    hash: str
    role: str
    profile: str
    document: str
    size: int
    limit: int
    managed: tuple[str, ...] = ()
    boundary: str = ""
    statements: tuple[str, ...] = ()
    warnings: tuple[Caution, ...] = ()


class LintRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask what is to be said of permissions, without making anything."""

    permissions: Permissions = Permissions()
    region: str = ""


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.iam_broker.lint`."""

    findings: tuple[Caution, ...]


class CollectGrants(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask to delete unused grants: `now` without their grace, with `dry_run` only in words."""

    now: bool = False
    dry_run: bool = False


class KeptGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A role under our path that stays, and why."""

    role: str
    reason: str


class CollectedGrants(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.iam_broker.collect`: roles that are (or would be) deleted."""

    removed: tuple[str, ...]
    kept: tuple[KeptGrant, ...]
    acted: bool


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """An IAM role. `trust` is the policy document that says who may assume it, as JSON.

    What it is allowed: `inline` policies by name, as JSON, and ARNs of `attached` ones, within
    its `boundary` (an ARN; empty for none). `used_at` is when it was last used, as far as IAM
    knows.
    """

    name: str
    path: str
    trust: str
    tags: dict[str, str]
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    boundary: str = ""
    created_at: datetime | None = None
    used_at: datetime | None = None


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True):
    """An instance profile: by it EC2 gives instances a role, one at most."""

    name: str
    path: str
    roles: tuple[str, ...]
    tags: dict[str, str] = {}
