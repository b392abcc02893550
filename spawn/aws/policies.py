"""IAM's managed policies: those of AWS and of the account, as documents by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws.iam_base import IamBase, tags_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class PolicyCalls(IamBase):
    """Managed policies."""

    async def policy(self, arn: str) -> str:
        """Return the document, as JSON, that a managed policy stands for. Raises `NotFound`."""
        client = await self._client()
        found = await self._calls.repeat("GetPolicy", lambda: client.get_policy(PolicyArn=arn))
        version = found["Policy"].get("DefaultVersionId", "")
        answer = await self._calls.repeat(
            "GetPolicyVersion",
            lambda: client.get_policy_version(PolicyArn=arn, VersionId=version),
        )
        return text_of(answer["PolicyVersion"].get("Document", {}))

    async def create_policy(
        self, name: str, *, path: str, document: str, tags: Mapping[str, str]
    ) -> None:
        """Make a managed policy of the account. Raises `Conflict` when the name is taken."""
        client = await self._client()
        await self._calls.repeat(
            "CreatePolicy",
            lambda: client.create_policy(
                PolicyName=name, Path=path, PolicyDocument=document, Tags=tags_of(tags)
            ),
        )
