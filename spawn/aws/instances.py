"""EC2's instances: run, describe, terminate, tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from spawn.aws import answers, parting, requests
from spawn.aws.base import Ec2Base, chunked
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Conflict, NotFound, Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from types_aiobotocore_ec2.type_defs import (
        DescribeInstancesRequestTypeDef,
        DescribeInstancesResultTypeDef,
        FilterTypeDef,
        ReservationResponseTypeDef,
        TerminateInstancesResultTypeDef,
    )

    from spawn.contracts.instances import Described, RunInstances

PAGE = 1000
"""The largest page of DescribeInstances
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html)."""

MOST_DESCRIBED = 200
"""Instance ids in one DescribeInstances call."""

MOST_CHANGED = 500
"""Instance ids in one TerminateInstances or CreateTags call; AWS takes 1000, advises fewer
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html)."""

_REHEARSED = "DryRunOperation"
"""The error by which EC2 says that a call would have been made
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html)."""


class InstanceCalls(Ec2Base):
    """The calls of `spawn.aws.ports.InstancesPort`."""

    async def run_instances(self, request: RunInstances) -> tuple[Described, ...]:
        """Make the call, once; its turn is taken by the caller, from `pacer`."""
        parameters = requests.run_instances(request)

        async def call() -> ReservationResponseTypeDef:
            return await (await self._client()).run_instances(**parameters)

        made = await self._calls.once("RunInstances", call)
        return tuple(answers.described(instance) for instance in made.get("Instances", []))

    async def rehearse(self, request: RunInstances) -> None:
        """Have EC2 check a RunInstances call and whether it is allowed, and make nothing."""
        parameters = requests.run_instances(request)
        parameters["DryRun"] = True

        async def call() -> None:
            try:
                await (await self._client()).run_instances(**parameters)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != _REHEARSED:
                    raise

        await self._calls.repeat("RunInstances", call)

    async def describe_instances(
        self,
        *,
        ids: Iterable[InstanceId] = (),
        tags: Mapping[str, str] | None = None,
        states: Iterable[InstanceState] = (),
    ) -> tuple[Described, ...]:
        """Return all instances that match; ids that EC2 does not know are left out."""
        filters = requests.instance_filters(tags or {}, states)
        chunks: list[list[InstanceId]] = chunked(ids, MOST_DESCRIBED)
        if not chunks:
            return await self._matching(filters)
        found: list[Described] = []
        while chunks:
            chunk = chunks.pop()
            try:
                found += await self._matching(filters, chunk)
            except NotFound as error:
                chunks += parting.parts(parting.known(chunk, error), len(chunk))
        return tuple(found)

    async def terminate_instances(
        self, ids: Iterable[InstanceId]
    ) -> dict[InstanceId, InstanceState]:
        """End instances and return their states; one that EC2 does not know is `TERMINATED`.

        One that EC2 refuses to end does not keep the others: they are ended, then it is raised.
        """
        states: dict[InstanceId, InstanceState] = {}
        refused: list[Outcome] = []
        chunks: list[list[InstanceId]] = chunked(ids, MOST_CHANGED)
        while chunks:
            chunk = chunks.pop()
            try:
                states |= await self._terminate(chunk)
            except NotFound as error:
                rest = parting.parts(parting.known(chunk, error), len(chunk))
                kept = {one for part in rest for one in part}
                states |= {one: InstanceState.TERMINATED for one in chunk if one not in kept}
                chunks += rest
            except (Rejected, Conflict) as error:
                alone = len(chunk) == 1 or parting.concerns_all(error)
                refused += [error] if alone else []
                chunks += [] if alone else parting.halves(chunk)
        if refused:
            raise refused[0]
        return states

    async def create_tags(self, ids: Iterable[InstanceId], tags: Mapping[str, str]) -> None:
        """Set tags on instances; other tags stay."""
        for chunk in chunked(ids, MOST_CHANGED):

            async def call(chunk: Sequence[str] = chunk) -> Any:
                client = await self._client()
                return await client.create_tags(Resources=chunk, Tags=requests.tag_list(tags))

            await self._calls.repeat("CreateTags", call)

    async def _matching(
        self, filters: list[FilterTypeDef], ids: Sequence[InstanceId] = ()
    ) -> tuple[Described, ...]:
        query = _query(filters, ids)
        found: dict[InstanceId, Described] = {}

        async def call() -> DescribeInstancesResultTypeDef:
            return await (await self._client()).describe_instances(**query)

        while True:
            page = await self._calls.repeat("DescribeInstances", call)
            for reservation in page["Reservations"]:
                for listed in reservation.get("Instances", []):
                    one = answers.described(listed)
                    found[one.instance.id] = one
            if not (token := page.get("NextToken")):
                return tuple(found.values())
            query["NextToken"] = token

    async def _terminate(self, ids: Sequence[InstanceId]) -> dict[InstanceId, InstanceState]:
        async def call() -> TerminateInstancesResultTypeDef:
            return await (await self._client()).terminate_instances(InstanceIds=ids)

        ended = await self._calls.repeat("TerminateInstances", call, instances=len(ids))
        return {
            InstanceId(change.get("InstanceId", "")): InstanceState(
                change.get("CurrentState", {}).get("Name", "shutting-down")
            )
            for change in ended["TerminatingInstances"]
        }


def _query(
    filters: list[FilterTypeDef], ids: Sequence[InstanceId]
) -> DescribeInstancesRequestTypeDef:
    # EC2 takes either ids or pages.
    if ids:
        return {"Filters": filters, "InstanceIds": ids}
    return {"Filters": filters, "MaxResults": PAGE}
