"""Identity and Access Management: roles, and the instance profiles that give them to machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spawn.contracts.grants import InstanceProfile, Role
from spawn.errors import Cause, Conflict, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from types_aiobotocore_iam import IAMClient
    from types_aiobotocore_iam.type_defs import TagTypeDef

    from spawn.aws.calls import Calls

_ROLES_IN_A_PROFILE = "LimitExceeded"


class Iam:
    """Identity and Access Management.

    (https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html). Calls that make something
    may be repeated: what an unseen first try has made is then a `Conflict`.
    """

    def __init__(self, client: Callable[[], Awaitable[IAMClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def role(self, name: str) -> Role:
        """Return a role. Raises `NotFound`."""
        client = await self._client()
        found = (await self._calls.repeat("GetRole", lambda: client.get_role(RoleName=name)))[
            "Role"
        ]
        inline = await self._calls.repeat(
            "ListRolePolicies", lambda: client.list_role_policies(RoleName=name)
        )
        attached = await self._calls.repeat(
            "ListAttachedRolePolicies", lambda: client.list_attached_role_policies(RoleName=name)
        )
        arns = (each.get("PolicyArn", "") for each in attached["AttachedPolicies"])
        return Role(
            name=found["RoleName"],
            path=found["Path"],
            trust=json.dumps(found.get("AssumeRolePolicyDocument", {})),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            policies=(*inline["PolicyNames"], *arns),
        )

    async def create_role(self, role: Role) -> None:
        """Make a role without permissions. Raises `Conflict` when the name is taken."""
        client = await self._client()
        await self._calls.repeat(
            "CreateRole",
            lambda: client.create_role(
                RoleName=role.name,
                Path=role.path,
                AssumeRolePolicyDocument=role.trust,
                Tags=_tags(role.tags),
            ),
        )

    async def set_trust(self, name: str, trust: str) -> None:
        """Replace who may assume a role."""
        client = await self._client()
        await self._calls.repeat(
            "UpdateAssumeRolePolicy",
            lambda: client.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
        )

    async def instance_profile(self, name: str) -> InstanceProfile:
        """Return an instance profile. Raises `NotFound`."""
        client = await self._client()
        answer = await self._calls.repeat(
            "GetInstanceProfile", lambda: client.get_instance_profile(InstanceProfileName=name)
        )
        found = answer["InstanceProfile"]
        return InstanceProfile(
            name=found["InstanceProfileName"],
            path=found["Path"],
            roles=tuple(role["RoleName"] for role in found["Roles"]),
        )

    async def create_instance_profile(
        self, name: str, *, path: str, tags: Mapping[str, str]
    ) -> None:
        """Make a profile without a role. Raises `Conflict` when the name is taken."""
        client = await self._client()
        await self._calls.repeat(
            "CreateInstanceProfile",
            lambda: client.create_instance_profile(
                InstanceProfileName=name, Path=path, Tags=_tags(tags)
            ),
        )

    async def add_role(self, profile: str, role: str) -> None:
        """Put a role into a profile. Raises `Conflict` when one is in it."""
        client = await self._client()
        try:
            await self._calls.repeat(
                "AddRoleToInstanceProfile",
                lambda: client.add_role_to_instance_profile(
                    InstanceProfileName=profile, RoleName=role
                ),
            )
        except Rejected as error:
            # A profile's quota of roles is 1, and full.
            if error.code != _ROLES_IN_A_PROFILE:
                raise
            raise Conflict(error.message, code=error.code, cause=Cause.EXISTS) from error


def _tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
