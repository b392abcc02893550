"""JetStream's API as typed requests (https://docs.nats.io/reference/reference-protocols/nats_api_reference).

nats-py's own layer leaves its requests unchecked and its answers untyped, and knows neither
per-key TTL on update nor the pull loop that we need; the protocol itself is small.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import msgspec

from spawn.bus import codec, metrics
from spawn.bus.backoff import delays
from spawn.bus.ports import Receipt
from spawn.bus.wire import Wire
from spawn.clock import Clock
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient

R = TypeVar("R")

MESSAGE_ID = "Nats-Msg-Id"
EXPECTED_SEQUENCE = "Nats-Expected-Last-Subject-Sequence"

API_TIMEOUT = timedelta(seconds=5)
_PUBLISH_TIMEOUT = timedelta(seconds=2)
_FIRST_DELAY = timedelta(milliseconds=50)
_LONGEST_DELAY = timedelta(seconds=2)
_SLOW = timedelta(milliseconds=500)

_CONFLICTS = frozenset({10071, 10164, 10058, 10148, 10013})
"""Wrong last sequence (two codes), stream name in use, consumer exists (two codes)
(https://github.com/nats-io/nats-server/blob/main/server/errors.json)."""

_TOO_LARGE = 10054
_NOT_FOUND = 404
_SERVER_ERROR = 500


class Connection(Protocol):
    """What JetStream needs of the bus."""

    wire: Wire
    clock: Clock

    async def until_connected(self) -> None:
        """Wait for the connection; raise `Transient` once it is closed for good."""
        ...


class _Failure(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct, frozen=True):
    error: _Failure | None = None


class _PubAck(msgspec.Struct, frozen=True):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Failure | None = None


class JetStream:
    """Requests to JetStream; errors come as outcomes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def call(self, verb: str, body: Any = None, *, answer: type[R], subject: str = "") -> R:
        """Call `$JS.API.<verb>` once; `subject` stands in error texts."""
        data = b"" if body is None else codec.encode(body)
        reply = await self._connection.wire.request(f"$JS.API.{verb}", data, within=API_TIMEOUT)
        failure = codec.decode(reply.data, _Answer).error
        if failure is not None:
            raise _outcome(failure, subject or verb)
        return codec.decode(reply.data, answer)

    async def publish(
        self,
        subject: str,
        data: bytes,
        *,
        headers: Mapping[str, str],
        patience: timedelta | None,
    ) -> Receipt:
        """Store a message; while no answer comes, again with the same headers.

        `headers` hold the `Nats-Msg-Id` by which the stream recognises a second copy. Raises
        `Transient` after `patience` (None: never), when the outcome is unknown.
        """
        codec.check_size(data)
        started = self._connection.clock.monotonic()
        fits = patience is None or patience >= _PUBLISH_TIMEOUT
        receipt = None
        if fits and self._connection.wire.is_connected:
            # Almost always answered, and that needs no second deadline.
            receipt = await self._attempt(subject, data, headers)
        if receipt is None:
            receipt = await self._publish_patiently(subject, data, headers, patience=patience)
        self._observe(receipt, started)
        return receipt

    async def _publish_patiently(
        self,
        subject: str,
        data: bytes,
        headers: Mapping[str, str],
        *,
        patience: timedelta | None,
    ) -> Receipt:
        try:
            async with asyncio.timeout(patience.total_seconds() if patience else None):
                return await self._publish_until_answered(subject, data, headers)
        except TimeoutError:
            metrics.PUBLISHES.labels("unknown", "unknown").inc()
            raise Transient(
                f"{subject}: not acknowledged within {patience}; the outcome is unknown",
                cause=Cause.UNREACHABLE,
            ) from None

    async def _publish_until_answered(
        self, subject: str, data: bytes, headers: Mapping[str, str]
    ) -> Receipt:
        waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            await self._connection.until_connected()
            receipt = await self._attempt(subject, data, headers)
            if receipt is not None:
                return receipt
            await self._connection.clock.sleep(next(waits))

    async def _attempt(
        self, subject: str, data: bytes, headers: Mapping[str, str]
    ) -> Receipt | None:
        """Publish once; None when no answer comes, or one that may be another the next time."""
        try:
            reply = await self._connection.wire.request(
                subject, data, headers=headers, within=_PUBLISH_TIMEOUT
            )
            return _receipt(reply.data, subject)
        except Transient:
            metrics.PUBLISHES.labels("unknown", "retried").inc()
            return None

    def _observe(self, receipt: Receipt, started: float) -> None:
        took = self._connection.clock.monotonic() - started
        outcome = "duplicate" if receipt.duplicate else "stored"
        metrics.PUBLISHES.labels(receipt.stream, outcome).inc()
        metrics.PUBLISH_SECONDS.observe(took)
        if took > _SLOW.total_seconds():
            metrics.SLOW_PUBLISHES.inc()


def _receipt(data: bytes, subject: str) -> Receipt:
    ack = codec.decode(data, _PubAck)
    if ack.error is not None:
        raise _outcome(ack.error, subject)
    return Receipt(stream=ack.stream, seq=ack.seq, duplicate=ack.duplicate)


def _outcome(failure: _Failure, subject: str) -> Outcome:
    text = f"{subject}: {failure.description or 'JetStream error'}"
    code = f"JetStream{failure.err_code}"
    if failure.err_code in _CONFLICTS:
        return Conflict(text, code=code)
    if failure.err_code == _TOO_LARGE:
        return Rejected(text, code="TooLarge")
    if failure.code == _NOT_FOUND:
        return NotFound(text, code=code)
    if failure.code >= _SERVER_ERROR:
        return Transient(text, code=code, cause=Cause.INTERNAL)
    return Rejected(text, code=code)
