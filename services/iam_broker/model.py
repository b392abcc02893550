"""The IAM broker's own nouns: what a proof claims, and the steps to a grant."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from spawn.contracts.arrays import ArrayState
from spawn.contracts.grants import Grant, Role
from spawn.contracts.identities import SignedCall
from spawn.contracts.ids import ArrayId, InstanceId


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof must be made for: `endpoint` is STS's configured one, empty for AWS's own."""

    deployment: str
    endpoint: str
    now: datetime


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a well-formed proof claims; only STS can say whether it is true."""

    call: SignedCall
    region: str
    nonce: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a signature is: the role of an instance. `ours` is whether it is named as ours are."""

    role: str
    instance_id: InstanceId
    ours: bool = True


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as it is to be in IAM: the role with all its policies; None if it is not ours."""

    grant: Grant
    role: Role | None = None


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """What is in use now: instance profiles by name, each with who uses it.

    `launching` are living arrays that have not settled yet which profile they use.
    """

    profiles: Mapping[str, str]
    launching: tuple[ArrayId, ...] = ()


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """A role stays."""

    reason: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a change in IAM to the role `name` or its profile; `reason` is for the log."""

    name: str
    reason: str


class CreateRole(Step, frozen=True, kw_only=True):
    """Make the role, within its boundary and without permissions."""

    role: Role


class SetTrust(Step, frozen=True, kw_only=True):
    """Correct who may assume the role."""

    trust: str


class SetBoundary(Step, frozen=True, kw_only=True):
    """Correct the boundary."""

    arn: str


class TagRole(Step, frozen=True, kw_only=True):
    """Correct the tags."""

    tags: Mapping[str, str]


class PutPolicy(Step, frozen=True, kw_only=True):
    """Write an inline policy."""

    policy: str
    document: str


class DeletePolicy(Step, frozen=True, kw_only=True):
    """Remove an inline policy."""

    policy: str


class Attach(Step, frozen=True, kw_only=True):
    """Attach a managed policy."""

    arn: str


class Detach(Step, frozen=True, kw_only=True):
    """Detach a managed policy."""

    arn: str


class CreateProfile(Step, frozen=True, kw_only=True):
    """Make the instance profile."""

    path: str
    tags: Mapping[str, str]


class AddRole(Step, frozen=True, kw_only=True):
    """Put the role into the instance profile."""


class RemoveRole(Step, frozen=True, kw_only=True):
    """Take the role out of the instance profile."""


class DeleteProfile(Step, frozen=True, kw_only=True):
    """Delete the instance profile."""


class DeleteRole(Step, frozen=True, kw_only=True):
    """Delete the role."""


Steps = (
    CreateRole
    | SetTrust
    | SetBoundary
    | TagRole
    | PutPolicy
    | DeletePolicy
    | Attach
    | Detach
    | CreateProfile
    | AddRole
    | RemoveRole
    | DeleteProfile
    | DeleteRole
)


class PlacedUse(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an array's placement as tells which grant it uses."""

    instance_profile: str = ""


class ArrayUse(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an array's record as tells which grant it uses."""

    id: ArrayId
    region: str
    state: ArrayState
    placement: PlacedUse | None = None
