"""IAM's roles: who may assume them, what they may do, and within which boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws.iam_base import IamBase, tags_of, text_of
from spawn.contracts.grants import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_aiobotocore_iam.type_defs import (
        CreateRoleRequestTypeDef,
        ListRolesRequestTypeDef,
        ListRolesResponseTypeDef,
        RoleTypeDef,
    )


class RoleCalls(IamBase):
    """Roles and the policies in them. What a call removes may be gone already."""

    async def role(self, name: str) -> Role:
        """Return a role. Raises `NotFound`."""
        client = await self._client()
        found = (await self._calls.repeat("GetRole", lambda: client.get_role(RoleName=name)))[
            "Role"
        ]
        # A role of ours has one policy and at most 20 attached ones: no page is ever full.
        inline = await self._calls.repeat(
            "ListRolePolicies", lambda: client.list_role_policies(RoleName=name)
        )
        attached = await self._calls.repeat(
            "ListAttachedRolePolicies", lambda: client.list_attached_role_policies(RoleName=name)
        )
        return Role(
            name=found["RoleName"],
            path=found["Path"],
            trust=text_of(found.get("AssumeRolePolicyDocument", {})),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            inline={each: await self._policy(name, each) for each in inline["PolicyNames"]},
            attached=tuple(each.get("PolicyArn", "") for each in attached["AttachedPolicies"]),
            boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            created_at=found["CreateDate"],
            used_at=_last_use(found),
        )

    async def roles(self, path: str) -> tuple[str, ...]:
        """Return the names of all roles under a path, in order."""
        names: list[str] = []
        marker: str | None = ""
        while marker is not None:
            answer = await self._page(path, marker)
            names += (role["RoleName"] for role in answer["Roles"])
            marker = answer["Marker"] if answer["IsTruncated"] else None
        return tuple(sorted(names))

    async def create_role(self, role: Role) -> None:
        """Make a role with its boundary, still without permissions.

        Raises `Conflict` when the name is taken.
        """
        client = await self._client()
        request: CreateRoleRequestTypeDef = {
            "RoleName": role.name,
            "Path": role.path,
            "AssumeRolePolicyDocument": role.trust,
            "Tags": tags_of(role.tags),
        }
        if role.boundary:
            request["PermissionsBoundary"] = role.boundary
        await self._calls.repeat("CreateRole", lambda: client.create_role(**request))

    async def set_trust(self, name: str, trust: str) -> None:
        """Replace who may assume a role."""
        client = await self._client()
        await self._calls.repeat(
            "UpdateAssumeRolePolicy",
            lambda: client.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
        )

    async def set_boundary(self, name: str, arn: str) -> None:
        """Replace the boundary of a role."""
        client = await self._client()
        await self._calls.repeat(
            "PutRolePermissionsBoundary",
            lambda: client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn),
        )

    async def tag_role(self, name: str, tags: Mapping[str, str]) -> None:
        """Set tags on a role; other tags stay."""
        client = await self._client()
        await self._calls.repeat(
            "TagRole", lambda: client.tag_role(RoleName=name, Tags=tags_of(tags))
        )

    async def put_policy(self, role: str, name: str, document: str) -> None:
        """Write an inline policy."""
        client = await self._client()
        await self._calls.repeat(
            "PutRolePolicy",
            lambda: client.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=document
            ),
        )

    async def delete_policy(self, role: str, name: str) -> None:
        """Remove an inline policy. Raises `NotFound`."""
        client = await self._client()
        await self._calls.repeat(
            "DeleteRolePolicy",
            lambda: client.delete_role_policy(RoleName=role, PolicyName=name),
        )

    async def attach(self, role: str, arn: str) -> None:
        """Attach a managed policy. Raises `NotFound` when there is no such policy."""
        client = await self._client()
        await self._calls.repeat(
            "AttachRolePolicy", lambda: client.attach_role_policy(RoleName=role, PolicyArn=arn)
        )

    async def detach(self, role: str, arn: str) -> None:
        """Detach a managed policy. Raises `NotFound`."""
        client = await self._client()
        await self._calls.repeat(
            "DetachRolePolicy", lambda: client.detach_role_policy(RoleName=role, PolicyArn=arn)
        )

    async def delete_role(self, name: str) -> None:
        """Delete a role that holds nothing more. Raises `NotFound`, and `Conflict` if it does."""
        client = await self._client()
        await self._calls.repeat("DeleteRole", lambda: client.delete_role(RoleName=name))

    async def _page(self, path: str, marker: str) -> ListRolesResponseTypeDef:
        client = await self._client()
        request: ListRolesRequestTypeDef = {"PathPrefix": path}
        if marker:
            request["Marker"] = marker
        return await self._calls.repeat("ListRoles", lambda: client.list_roles(**request))

    async def _policy(self, role: str, name: str) -> str:
        client = await self._client()
        answer = await self._calls.repeat(
            "GetRolePolicy", lambda: client.get_role_policy(RoleName=role, PolicyName=name)
        )
        return text_of(answer["PolicyDocument"])


def _last_use(role: RoleTypeDef) -> datetime | None:
    return role.get("RoleLastUsed", {}).get("LastUsedDate")
