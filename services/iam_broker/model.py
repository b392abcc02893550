"""The IAM broker's own nouns: what a proof claims, and the steps to a grant."""

from datetime import datetime

import msgspec

from spawn.contracts.grants import Grant, Role
from spawn.contracts.identities import SignedCall
from spawn.contracts.ids import InstanceId


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
    """Whose a signature is: the role of an instance."""

    role: str
    instance_id: InstanceId


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as it is to be in IAM."""

    grant: Grant
    role: Role


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a change in IAM; `reason` is for the log."""

    reason: str


class CreateRole(Step, frozen=True, kw_only=True):
    """Make the role."""

    role: Role


class SetTrust(Step, frozen=True, kw_only=True):
    """Correct who may assume the role."""

    role: Role


class CreateProfile(Step, frozen=True, kw_only=True):
    """Make the instance profile."""

    role: Role


class AddRole(Step, frozen=True, kw_only=True):
    """Put the role into the instance profile."""

    role: Role


Steps = CreateRole | SetTrust | CreateProfile | AddRole
