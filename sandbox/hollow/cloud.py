"""What hollow machines need of the sandbox: which instances run, and to power one off."""

from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

import msgspec
from aiohttp import ClientSession

from sandbox.machines.listing import Listed, Listing
from spawn.clock import Clock

_PACE = timedelta(milliseconds=100)
"""Between two looks at what runs; without a change one costs the sandbox next to nothing."""


class Sandbox(msgspec.Struct, frozen=True):
    """Of `sandbox.json`, what is needed here."""

    endpoint: str
    admin_token: str


class Cloud:
    """The admin API of one sandbox."""

    def __init__(self, session: ClientSession, sandbox: Sandbox, clock: Clock) -> None:
        self._session = session
        self._endpoint = f"{sandbox.endpoint}/_spawn"
        self._headers = {"Authorization": f"Bearer {sandbox.admin_token}"}
        self._clock = clock

    async def running(self) -> AsyncIterator[list[Listed]]:
        """Yield all running instances, anew whenever one has come or gone."""
        known = 0
        while True:
            async with self._session.get(
                f"{self._endpoint}/machines", params={"known": str(known)}, headers=self._headers
            ) as answer:
                body = await answer.read() if answer.status == HTTPStatus.OK else b""
            if body:
                listing = msgspec.json.decode(body, type=Listing)
                known = listing.version
                yield listing.machines
            await self._clock.sleep(_PACE)

    async def power_off(self, instance_id: str) -> None:
        """Let an instance end as if its machine had powered off; nothing if it has ended."""
        body = {"instance_id": instance_id}
        async with self._session.post(
            f"{self._endpoint}/power-off", json=body, headers=self._headers
        ) as answer:
            await answer.read()
