"""A broker that grants nothing, asked on a real bus as the real one is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.message import Message
from spawn.bus.stores import Store
from spawn.contracts import grants
from spawn.contracts.grants import (
    API_COLLECT,
    API_DESCRIBE,
    CollectedGrants,
    CollectGrants,
    Grant,
    GrantDescription,
    GrantRequest,
    KeptGrant,
)
from spawn.errors import Rejected

GRANT = Grant(
    hash="0f" * 32,
    role="spawn-0f0f0f0f0f0f0f0f",
    profile="spawn-0f0f0f0f0f0f0f0f",
    path="/spawn/",
    statements=("s3: lists and reads objects of every bucket",),
)


class FakeBroker:
    """`unused` roles are deleted when it is asked to; `refuses`: rejects what it is asked of."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.grants = Store(bus, grants.BUCKET, Grant)
        self.described: list[GrantRequest] = []
        self.collected: list[CollectGrants] = []
        self.unused: tuple[str, ...] = (GRANT.role,)
        self.refuses = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["FakeBroker"]:
        endpoints = (
            Endpoint(name="describe", subject=API_DESCRIBE, answer=self._describe),
            Endpoint(name="collect", subject=API_COLLECT, answer=self._collect),
        )
        async with serving(self._bus, "iam_broker", endpoints, replica="one"):
            yield self

    async def _describe(self, message: Message) -> bytes:
        request = codec.decode(message.data, GrantRequest)
        self.described.append(request)
        if self.refuses:
            raise Rejected(self.refuses, field="policies")
        return codec.encode(
            GrantDescription(
                hash=GRANT.hash,
                role=GRANT.role,
                profile=GRANT.profile,
                document='{"Statement":[],"Version":"2012-10-17"}',
                size=39,
                limit=10_240,
                boundary="arn:aws:iam::111122223333:policy/spawn/boundary",
                statements=GRANT.statements,
            )
        )

    async def _collect(self, message: Message) -> bytes:
        request = codec.decode(message.data, CollectGrants)
        self.collected.append(request)
        kept = KeptGrant(role="spawn-aaaa", reason="array web has it")
        return codec.encode(
            CollectedGrants(removed=self.unused, kept=(kept,), acted=not request.dry_run)
        )
