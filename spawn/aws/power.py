"""EC2's instances, stopped and started again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from spawn.aws import parting
from spawn.aws.base import Ec2Base, chunked
from spawn.aws.shapes import Powered
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from types_aiobotocore_ec2.type_defs import (
        CancelSpotInstanceRequestsResultTypeDef,
        InstanceStateChangeTypeDef,
        StartInstancesResultTypeDef,
        StopInstancesResultTypeDef,
    )

MOST_POWERED = 100
"""Instance ids in one call; EC2 refuses all for one, so fewer at a time get through sooner."""


class _Change(Protocol):
    async def __call__(self, ids: Sequence[str], /) -> Sequence[InstanceStateChangeTypeDef]: ...


class PowerCalls(Ec2Base):
    """The calls of `spawn.aws.ports.PowerPort`."""

    async def stop_instances(
        self, ids: Iterable[InstanceId], *, hibernate: bool = False
    ) -> Powered:
        """Begin to stop instances, keeping their memory with `hibernate`; say what became of each.

        Those that EC2 refuses to stop do not keep the others. Raises what concerns them all.
        """

        async def change(chunk: Sequence[str]) -> Sequence[InstanceStateChangeTypeDef]:
            async def call() -> StopInstancesResultTypeDef:
                client = await self._client()
                return await client.stop_instances(InstanceIds=chunk, Hibernate=hibernate)

            done = await self._calls.repeat("StopInstances", call, instances=len(chunk))
            return done["StoppingInstances"]

        return await _each(ids, change)

    async def start_instances(self, ids: Iterable[InstanceId]) -> Powered:
        """Begin to start stopped instances; say what became of each.

        Those that EC2 has no room for do not keep the others. Raises what concerns them all.
        """

        async def change(chunk: Sequence[str]) -> Sequence[InstanceStateChangeTypeDef]:
            async def call() -> StartInstancesResultTypeDef:
                return await (await self._client()).start_instances(InstanceIds=chunk)

            done = await self._calls.repeat("StartInstances", call, instances=len(chunk))
            return done["StartingInstances"]

        return await _each(ids, change)

    async def cancel_spot_requests(self, ids: Iterable[str]) -> None:
        """Cancel spot requests; their instances go on, and one that is gone is none the less."""
        chunks = chunked(ids, MOST_POWERED)
        while chunks:
            chunk = chunks.pop()

            async def call(
                chunk: Sequence[str] = chunk,
            ) -> CancelSpotInstanceRequestsResultTypeDef:
                client = await self._client()
                return await client.cancel_spot_instance_requests(SpotInstanceRequestIds=chunk)

            try:
                await self._calls.repeat("CancelSpotInstanceRequests", call)
            except NotFound:
                # What is not known any more can't launch anything; those beside it can.
                chunks += parting.halves(chunk) if len(chunk) > 1 else []


async def _each(ids: Iterable[InstanceId], change: _Change) -> Powered:
    states: dict[InstanceId, InstanceState] = {}
    refused: dict[InstanceId, Outcome] = {}
    chunks: list[list[InstanceId]] = chunked(ids, MOST_POWERED)
    while chunks:
        chunk = chunks.pop()
        try:
            states |= _states(await change(chunk))
        except NotFound as error:
            rest = parting.parts(parting.known(chunk, error), len(chunk))
            kept = {one for part in rest for one in part}
            refused |= {one: error for one in chunk if one not in kept}
            chunks += rest
        except (Rejected, Conflict, Transient) as error:
            if parting.concerns_all(error) or _passes(error):
                raise
            if len(chunk) == 1:
                refused[chunk[0]] = error
            else:
                chunks += parting.halves(chunk)
    return Powered(states=states, refused=refused)


def _passes(error: Outcome) -> bool:
    return isinstance(error, Transient) and error.cause is not Cause.CAPACITY


def _states(changes: Sequence[InstanceStateChangeTypeDef]) -> dict[InstanceId, InstanceState]:
    return {
        InstanceId(change.get("InstanceId", "")): InstanceState(
            change.get("CurrentState", {}).get("Name", "pending")
        )
        for change in changes
    }
