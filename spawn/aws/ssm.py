"""Systems Manager in one region: public parameters, which name the current images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from types_aiobotocore_ssm import SSMClient
    from types_aiobotocore_ssm.type_defs import GetParameterResultTypeDef

    from spawn.aws.calls import Calls


class Ssm:
    """Systems Manager in one region."""

    def __init__(self, client: Callable[[], Awaitable[SSMClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def parameter(self, name: str) -> str:
        """Return the value of a parameter. Raises `NotFound`."""

        async def call() -> GetParameterResultTypeDef:
            return await (await self._client()).get_parameter(Name=name)

        found = await self._calls.repeat("GetParameter", call)
        return found["Parameter"].get("Value", "")
