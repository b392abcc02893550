"""IAM's instance profiles: by them EC2 gives instances a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws.iam_base import IamBase, tags_of
from spawn.contracts.grants import InstanceProfile
from spawn.errors import Cause, Conflict, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLES_IN_A_PROFILE = "LimitExceeded"


class ProfileCalls(IamBase):
    """Instance profiles. What a call removes may be gone already."""

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

    async def profiles_of(self, role: str) -> tuple[str, ...]:
        """Return the names of the profiles that give a role that exists, in order."""
        client = await self._client()
        answer = await self._calls.repeat(
            "ListInstanceProfilesForRole",
            lambda: client.list_instance_profiles_for_role(RoleName=role),
        )
        found = answer["InstanceProfiles"]
        return tuple(sorted(profile["InstanceProfileName"] for profile in found))

    async def create_instance_profile(
        self, name: str, *, path: str, tags: Mapping[str, str]
    ) -> None:
        """Make a profile without a role. Raises `Conflict` when the name is taken."""
        client = await self._client()
        await self._calls.repeat(
            "CreateInstanceProfile",
            lambda: client.create_instance_profile(
                InstanceProfileName=name, Path=path, Tags=tags_of(tags)
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

    async def remove_role(self, profile: str, role: str) -> None:
        """Take a role out of a profile. Raises `NotFound`."""
        client = await self._client()
        await self._calls.repeat(
            "RemoveRoleFromInstanceProfile",
            lambda: client.remove_role_from_instance_profile(
                InstanceProfileName=profile, RoleName=role
            ),
        )

    async def delete_instance_profile(self, name: str) -> None:
        """Delete a profile that is empty. Raises `NotFound`, and `Conflict` when it is not."""
        client = await self._client()
        await self._calls.repeat(
            "DeleteInstanceProfile",
            lambda: client.delete_instance_profile(InstanceProfileName=name),
        )
