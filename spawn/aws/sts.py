"""The Security Token Service: as whom AWS sees this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws.shapes import Caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from types_aiobotocore_sts import STSClient
    from types_aiobotocore_sts.type_defs import GetCallerIdentityResponseTypeDef

    from spawn.aws.calls import Calls


class Sts:
    """The Security Token Service."""

    def __init__(self, client: Callable[[], Awaitable[STSClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def caller(self) -> Caller:
        """Return as whom AWS sees this process."""

        async def call() -> GetCallerIdentityResponseTypeDef:
            return await (await self._client()).get_caller_identity()

        found = await self._calls.repeat("GetCallerIdentity", call)
        return Caller(account=found["Account"], arn=found["Arn"])
