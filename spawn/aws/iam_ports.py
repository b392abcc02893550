"""The IAM door as services name it: Protocols that the real one and the fake both have."""

from collections.abc import Mapping
from typing import Protocol

from spawn.contracts.grants import InstanceProfile, Role


class RolesPort(Protocol):
    """Roles and the policies in them. What a call removes may be gone already."""

    async def role(self, name: str) -> Role:
        """Return a role. Raises `NotFound`."""
        ...

    async def roles(self, path: str) -> tuple[str, ...]:
        """Return the names of all roles under a path, in order."""
        ...

    async def create_role(self, role: Role) -> None:
        """Make a role with its boundary, still without permissions.

        Raises `Conflict` when the name is taken.
        """
        ...

    async def set_trust(self, name: str, trust: str) -> None:
        """Replace who may assume a role."""
        ...

    async def set_boundary(self, name: str, arn: str) -> None:
        """Replace the boundary of a role."""
        ...

    async def tag_role(self, name: str, tags: Mapping[str, str]) -> None:
        """Set tags on a role; other tags stay."""
        ...

    async def put_policy(self, role: str, name: str, document: str) -> None:
        """Write an inline policy."""
        ...

    async def delete_policy(self, role: str, name: str) -> None:
        """Remove an inline policy. Raises `NotFound`."""
        ...

    async def attach(self, role: str, arn: str) -> None:
        """Attach a managed policy. Raises `NotFound` when there is no such policy."""
        ...

    async def detach(self, role: str, arn: str) -> None:
        """Detach a managed policy. Raises `NotFound`."""
        ...

    async def delete_role(self, name: str) -> None:
        """Delete a role that holds nothing more. Raises `NotFound`, and `Conflict` if it does."""
        ...


class ProfilesPort(Protocol):
    """Instance profiles. What a call removes may be gone already."""

    async def instance_profile(self, name: str) -> InstanceProfile:
        """Return an instance profile. Raises `NotFound`."""
        ...

    async def profiles_of(self, role: str) -> tuple[str, ...]:
        """Return the names of the profiles that give a role that exists, in order."""
        ...

    async def create_instance_profile(
        self, name: str, *, path: str, tags: Mapping[str, str]
    ) -> None:
        """Make a profile without a role. Raises `Conflict` when the name is taken."""
        ...

    async def add_role(self, profile: str, role: str) -> None:
        """Put a role into a profile. Raises `Conflict` when one is in it."""
        ...

    async def remove_role(self, profile: str, role: str) -> None:
        """Take a role out of a profile. Raises `NotFound`."""
        ...

    async def delete_instance_profile(self, name: str) -> None:
        """Delete a profile that is empty. Raises `NotFound`, and `Conflict` when it is not."""
        ...


class PoliciesPort(Protocol):
    """Managed policies."""

    async def policy(self, arn: str) -> str:
        """Return the document, as JSON, that a managed policy stands for. Raises `NotFound`."""
        ...

    async def create_policy(
        self, name: str, *, path: str, document: str, tags: Mapping[str, str]
    ) -> None:
        """Make a managed policy of the account. Raises `Conflict` when the name is taken."""
        ...


class IamPort(RolesPort, ProfilesPort, PoliciesPort, Protocol):
    """Identity and Access Management. Every method raises an `Outcome`."""
