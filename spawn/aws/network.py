"""A region's networks: subnets, and the security group that a deployment owns."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spawn.aws import answers, requests
from spawn.aws.base import Ec2Base, chunked
from spawn.aws.calls import ATTEMPTS
from spawn.errors import Cause, Conflict, NotFound, Transient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from types_aiobotocore_ec2.type_defs import (
        CreateSecurityGroupResultTypeDef,
        DescribeSecurityGroupsRequestTypeDef,
        DescribeSecurityGroupsResultTypeDef,
        DescribeSubnetsRequestTypeDef,
        DescribeSubnetsResultTypeDef,
        IpPermissionTypeDef,
        SecurityGroupTypeDef,
    )

    from spawn.aws.shapes import SecurityGroup, Subnet

MOST_IDS = 200
_DESCRIPTION = "Members of one spawn deployment"


class NetworkCalls(Ec2Base):
    """The calls of `spawn.aws.ports.NetworkPort`."""

    async def default_subnets(self) -> tuple[Subnet, ...]:
        """Return the default subnets of the region's default VPC, by zone."""
        return await self._subnets({"Filters": [{"Name": "default-for-az", "Values": ["true"]}]})

    async def subnets(self, ids: Iterable[str]) -> tuple[Subnet, ...]:
        """Return subnets, by zone. Raises `NotFound` when one does not exist."""
        found: list[Subnet] = []
        for chunk in chunked(ids, MOST_IDS):
            found += await self._subnets({"SubnetIds": chunk})
        return tuple(found)

    async def security_groups(self, ids: Iterable[str]) -> tuple[SecurityGroup, ...]:
        """Return security groups. Raises `NotFound` when one does not exist."""
        found: list[SecurityGroup] = []
        for chunk in chunked(ids, MOST_IDS):
            groups = await self._groups({"GroupIds": chunk})
            found += [answers.security_group(group) for group in groups]
        return tuple(found)

    async def ensure_security_group(
        self, name: str, vpc_id: str, tags: Mapping[str, str], ssh_cidr: str = ""
    ) -> str:
        """Return the id of the group of this name, made if need be, with its rules."""
        group = await self._group_named(name, vpc_id)
        if group is None:
            # A conflict means that another replica was first: the group is there.
            with suppress(Conflict):
                await self._create_group(name, vpc_id, tags)
            group = await self._seen_group(name, vpc_id)
        group_id = group.get("GroupId", "")
        rules = group.get("IpPermissions", [])
        if not _lets_itself_in(rules, group_id):
            await self._authorize(group_id, requests.from_itself(group_id))
        if ssh_cidr and not _lets_ssh_in(rules, ssh_cidr):
            await self._authorize(group_id, requests.ssh_from(ssh_cidr))
        return group_id

    async def _subnets(self, query: DescribeSubnetsRequestTypeDef) -> tuple[Subnet, ...]:
        async def call() -> DescribeSubnetsResultTypeDef:
            return await (await self._client()).describe_subnets(**query)

        found: list[Subnet] = []
        while True:
            page = await self._calls.repeat("DescribeSubnets", call)
            found += [answers.subnet(one) for one in page["Subnets"]]
            if not (token := page.get("NextToken")):
                return tuple(sorted(found, key=lambda one: (one.zone, one.id)))
            query["NextToken"] = token

    async def _groups(
        self, query: DescribeSecurityGroupsRequestTypeDef
    ) -> Sequence[SecurityGroupTypeDef]:
        async def call() -> DescribeSecurityGroupsResultTypeDef:
            return await (await self._client()).describe_security_groups(**query)

        return (await self._calls.repeat("DescribeSecurityGroups", call))["SecurityGroups"]

    async def _group_named(self, name: str, vpc_id: str) -> SecurityGroupTypeDef | None:
        groups = await self._groups(
            {
                "Filters": [
                    {"Name": "group-name", "Values": [name]},
                    {"Name": "vpc-id", "Values": [vpc_id]},
                ]
            }
        )
        return groups[0] if groups else None

    async def _seen_group(self, name: str, vpc_id: str) -> SecurityGroupTypeDef:
        for attempt in range(ATTEMPTS):
            group = await self._group_named(name, vpc_id)
            if group is not None:
                return group
            await self._calls.pause(attempt)
        raise _unseen(name)

    async def _create_group(self, name: str, vpc_id: str, tags: Mapping[str, str]) -> None:
        async def call() -> CreateSecurityGroupResultTypeDef:
            return await (await self._client()).create_security_group(
                GroupName=name,
                Description=_DESCRIPTION,
                VpcId=vpc_id,
                TagSpecifications=[
                    {"ResourceType": "security-group", "Tags": requests.tag_list(tags)}
                ],
            )

        await self._calls.repeat("CreateSecurityGroup", call)

    async def _authorize(self, group_id: str, rule: IpPermissionTypeDef) -> None:
        async def call() -> Any:
            client = await self._client()
            return await client.authorize_security_group_ingress(
                GroupId=group_id, IpPermissions=[rule]
            )

        for attempt in range(ATTEMPTS):
            try:
                await self._calls.repeat("AuthorizeSecurityGroupIngress", call)
            except Conflict:
                return
            except NotFound:
                # EC2 may not know a group everywhere that it has just made.
                await self._calls.pause(attempt)
            else:
                return
        raise _unseen(group_id)


def _unseen(group: str) -> Transient:
    return Transient(
        f"security group {group} exists but EC2 does not see it everywhere yet",
        code="InvalidGroup.NotFound",
        cause=Cause.PROPAGATING,
    )


def _lets_itself_in(rules: Sequence[Any], group_id: str) -> bool:
    return any(
        rule.get("IpProtocol") == "-1"
        and any(pair.get("GroupId") == group_id for pair in rule.get("UserIdGroupPairs", []))
        for rule in rules
    )


def _lets_ssh_in(rules: Sequence[Any], cidr: str) -> bool:
    wanted = requests.ssh_from(cidr)
    return any(
        (rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort")) == ("tcp", 22, 22)
        and all(
            one in rule.get(kind, [])
            for kind in ("IpRanges", "Ipv6Ranges")
            for one in wanted.get(kind, [])
        )
        for rule in rules
    )
