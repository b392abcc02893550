"""What an array's machines may do in AWS: checked before anything is made, asked of the broker."""

from spawn.contracts.grants import GrantRequest
from spawn.contracts.launches import LaunchSpec
from spawn.permissions.implied import with_implied
from spawn.permissions.policies import make_policy
from spawn.permissions.realm import Realm, partition_of

_SOME_ACCOUNT = "000000000000"
"""In the place of the account, which the broker knows: it has no part in whether a text is one."""


def check_permissions(spec: LaunchSpec) -> None:
    """Raise `Rejected` for permissions that can't be read; which are granted the broker says."""
    realm = Realm(partition=partition_of(spec.region), region=spec.region, account=_SOME_ACCOUNT)
    make_policy(with_implied(spec), realm)


def grant_request(spec: LaunchSpec, *, array_id: str = "", again: bool = False) -> GrantRequest:
    """Return what the broker is asked for."""
    wanted = with_implied(spec)
    return GrantRequest(
        policies=wanted.policies,
        managed=wanted.managed,
        role=wanted.role,
        documents=wanted.documents,
        region=spec.region,
        array_id=array_id,
        strict=spec.strict,
        again=again,
    )
