"""Exclusive holds: one replica at a time acts for a key, and another takes over when it dies.

A hold is a record with a TTL of its own, written again in time; its revision is the token that
goes up with every holder. The TTL is the server's: whoever is cut off learns it by its own clock,
counted from before the last renewal that was acknowledged.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from spawn.bus import codec, metrics
from spawn.bus.beside import beside
from spawn.bus.connection import Bus
from spawn.bus.identity import new_id
from spawn.bus.jetstream import EXPECTED_SEQUENCE, MESSAGE_ID
from spawn.bus.streams import FENCES_BUCKET
from spawn.clock import wait_event
from spawn.errors import Conflict, NotFound, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

TTL = timedelta(seconds=5)
"""Whole seconds: the server takes no other (per-message TTL, ADR-43)."""


class _Hold(msgspec.Struct, frozen=True):
    holder: str


class _Stored(msgspec.Struct, frozen=True):
    seq: int
    data: bytes = b""


class _StoredAnswer(msgspec.Struct, frozen=True):
    message: _Stored


class HeldFence:
    """A key that we hold until it is lost or given back."""

    def __init__(self, key: str, token: int) -> None:
        self.key = key
        self.token = token
        self.lost = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        """Whether somebody else may hold the key now."""
        return self.lost.is_set()

    async def wait_lost(self) -> None:
        """Return when the fence is lost."""
        await self.lost.wait()


class Fences:
    """Holds of one replica.

    `holder` may take its own again at once, after a restart; whoever of it held before then
    loses the fence. Within a process, don't hold a key twice.
    """

    def __init__(self, bus: Bus, *, holder: str, ttl: timedelta = TTL) -> None:
        self._bus = bus
        self._holder = holder
        self._ttl = ttl
        self._stream = f"KV_{FENCES_BUCKET}"

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncGenerator[HeldFence | None]:
        """Try once to hold `key`, and renew it for the length of the block.

        Yields None when another replica holds it. Raises `Transient` when the bus is away.
        """
        since = self._bus.clock.monotonic()
        token = await self._acquire(key)
        if token is None:
            yield None
            return
        fence = HeldFence(key, token)
        try:
            async with beside(self._keep(fence, since)):
                yield fence
        finally:
            await self._release(fence)

    async def _acquire(self, key: str) -> int | None:
        try:
            return await self._write(key, 0)
        except Conflict:
            held = await self._held(key)
        if held is not None and codec.decode(held.data, _Hold).holder != self._holder:
            return None
        try:
            return await self._write(key, held.seq if held else 0)
        except Conflict:
            return None

    async def _keep(self, fence: HeldFence, since: float) -> None:
        """Renew at a third of the TTL, until that fails for as long as the TTL."""
        while not await wait_event(fence.lost, self._ttl / 3):
            began = self._bus.clock.monotonic()
            left = self._ttl - timedelta(seconds=began - since)
            try:
                async with asyncio.timeout(max(0.0, left.total_seconds())):
                    fence.token = await self._write(fence.key, fence.token)
                since = began
            except (Conflict, Transient, TimeoutError) as error:
                metrics.FENCES_LOST.inc()
                _log.warning("fence lost", key=fence.key, why=type(error).__name__)
                fence.lost.set()

    async def _release(self, fence: HeldFence) -> None:
        if fence.is_lost or not self._bus.is_connected:
            return
        # Purged, not deleted: a marker would stand in the way of the next holder. Only up to our
        # own revision, so that a successor's hold stays.
        body = {"filter": self._subject(fence.key), "seq": fence.token + 1}
        try:
            await self._bus.js.call(
                f"STREAM.PURGE.{self._stream}", body, answer=dict[str, Any], subject=fence.key
            )
        except Transient as error:
            _log.warning("fence left to its TTL", key=fence.key, why=error.message)

    async def _write(self, key: str, expected: int) -> int:
        headers = {
            EXPECTED_SEQUENCE: str(expected),
            MESSAGE_ID: new_id(),
            "Nats-TTL": f"{max(1, round(self._ttl.total_seconds()))}s",
        }
        receipt = await self._bus.js.publish(
            self._subject(key),
            codec.encode(_Hold(self._holder)),
            headers=headers,
            patience=self._ttl,
        )
        return receipt.seq

    async def _held(self, key: str) -> _Stored | None:
        try:
            answer = await self._bus.js.call(
                f"STREAM.MSG.GET.{self._stream}",
                {"last_by_subj": self._subject(key)},
                answer=_StoredAnswer,
                subject=key,
            )
        except NotFound:
            return None
        return answer.message

    def _subject(self, key: str) -> str:
        return f"$KV.{FENCES_BUCKET}.{key}"
