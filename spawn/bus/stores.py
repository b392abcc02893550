"""Records of one type in one key-value bucket, with compare-and-set.

A write whose acknowledgement is lost is sent again with the same `Nats-Msg-Id`; the bucket then
answers with the revision of the first copy. When its window of two minutes has passed, or the
first copy made the second one conflict, the record is read back and its id compared: a write is
never reported as lost when it was done, nor the other way round. Only after `_PATIENCE` without
any answer is the outcome unknown, which `Transient` says; reading the record then decides.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec

from spawn.bus import codec, metrics
from spawn.bus.connection import Bus
from spawn.bus.identity import new_id
from spawn.bus.jetstream import EXPECTED_SEQUENCE, MESSAGE_ID
from spawn.bus.ordered import Record, Source, read
from spawn.bus.ports import CaughtUp, Change, Deleted, Entry, Restarted
from spawn.errors import Conflict, NotFound, Rejected
from spawn.telemetry.log import get_logger

T = TypeVar("T")

_log = get_logger(__name__)

_OPERATION = "KV-Operation"
_PATIENCE = timedelta(seconds=30)
_MARKER_TTL = timedelta(days=7)
"""How long a deletion can be seen by a watch that was away."""

_KEY = re.compile(r"[A-Za-z0-9_=/-]+(?:\.[A-Za-z0-9_=/-]+)*")
"""Keys of a bucket
(https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md)."""

_LONGEST_SHOWN = 60


def check_key(key: str) -> str:
    """Return `key` when it names one record; raise `Rejected` otherwise.

    The server reads a wildcard as any record that matches, and writes one as it stands.
    """
    if not _KEY.fullmatch(key):
        raise Rejected(f"{key[:_LONGEST_SHOWN]!r} can't be a key", field="key", code="key")
    return key


class _Stored(msgspec.Struct, frozen=True):
    subject: str
    seq: int
    data: bytes = b""
    hdrs: bytes = b""


class _StoredAnswer(msgspec.Struct, frozen=True):
    message: _Stored


class _Last(msgspec.Struct, frozen=True):
    revision: int
    data: bytes
    headers: dict[str, str]

    @property
    def is_deleted(self) -> bool:
        return _OPERATION in self.headers


class Store(Generic[T]):
    """The records of type `kind` in `bucket`."""

    def __init__(self, bus: Bus, bucket: str, kind: type[T]) -> None:
        self._bus = bus
        self._bucket = bucket
        self._kind = kind
        self._stream = f"KV_{bucket}"

    async def get(self, key: str) -> Entry[T]:
        """Return the record, as the bucket's leader has it; raise `NotFound` when none is there.

        Raises `Rejected` when the record does not decode, `Transient` when the bus is away.
        """
        last = await self._last(key)
        if last.is_deleted:
            raise NotFound(f"{self._bucket}: {key} is deleted")
        return Entry(key, codec.decode(last.data, self._kind), last.revision)

    async def create(self, key: str, value: T) -> int:
        """Write a record that must not exist; return its revision or raise `Conflict`."""
        data = codec.encode(value, field=key)
        try:
            return await self._write(key, data, expected=0)
        except Conflict:
            last = await self._last(key)
            if not last.is_deleted:
                raise
            return await self._write(key, data, expected=last.revision)

    async def update(self, key: str, value: T, revision: int) -> int:
        """Replace the record of that revision; return the new one or raise `Conflict`."""
        return await self._write(key, codec.encode(value, field=key), expected=revision)

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Remove the record, of that revision if given; raise `Conflict` when it has another."""
        ttl = f"{int(_MARKER_TTL.total_seconds())}s"
        marker = {_OPERATION: "DEL", "Nats-TTL": ttl}
        await self._write(key, b"", expected=revision, headers=marker)

    async def load(self, pattern: str = ">") -> dict[str, Entry[T]]:
        """Return every record whose key matches; those that don't decode are left out."""
        found: dict[str, Entry[T]] = {}
        async with aclosing(self.watch(pattern)) as changes:
            async for change in changes:
                match change:
                    case Entry():
                        found[change.key] = change
                    case Deleted():
                        found.pop(change.key, None)
                    case Restarted():
                        found.clear()
                    case CaughtUp():
                        break
        return found

    async def watch(self, pattern: str = ">") -> AsyncGenerator[Change[T]]:
        """Yield every record, then `CaughtUp`, then changes: the newest of each key, in order.

        Goes on at once after a reconnect. A record that does not decode is counted and left out.
        """
        source = Source(
            stream=self._stream,
            filters=(self._subject(pattern),),
            deliver="last_per_subject",
        )
        async with aclosing(read(self._bus, source)) as items:
            async for item in items:
                change = self._change(item) if isinstance(item, Record) else item
                if change is not None:
                    yield change

    def _change(self, record: Record) -> Change[T] | None:
        message = record.message
        key = message.subject.removeprefix(self._subject(""))
        revision = record.place.sequence
        if _OPERATION in message.headers:
            return Deleted(key, revision)
        try:
            return Entry(key, codec.decode(message.data, self._kind), revision)
        except Rejected as error:
            metrics.UNREADABLE.labels(self._bucket).inc()
            _log.error("unreadable record", bucket=self._bucket, key=key, error=error.message)
            return None

    async def _write(
        self,
        key: str,
        data: bytes,
        *,
        expected: int | None,
        headers: dict[str, str] | None = None,
    ) -> int:
        message_id = new_id()
        sent = {**(headers or {}), MESSAGE_ID: message_id}
        if expected is not None:
            sent[EXPECTED_SEQUENCE] = str(expected)
        subject = self._subject(check_key(key))
        try:
            receipt = await self._bus.js.publish(subject, data, headers=sent, patience=_PATIENCE)
        except Conflict as conflict:
            return await self._settle(key, message_id, conflict)
        return receipt.seq

    async def _settle(self, key: str, message_id: str, conflict: Conflict) -> int:
        try:
            last = await self._last(key)
        except NotFound:
            raise Conflict(f"{self._bucket}: {key} does not exist") from conflict
        if last.headers.get(MESSAGE_ID) == message_id:
            return last.revision
        raise Conflict(f"{self._bucket}: {key} has been written by another") from conflict

    async def _last(self, key: str) -> _Last:
        answer = await self._bus.js.call(
            f"STREAM.MSG.GET.{self._stream}",
            {"last_by_subj": self._subject(check_key(key))},
            answer=_StoredAnswer,
            subject=f"{self._bucket}: {key}",
        )
        stored = answer.message
        return _Last(stored.seq, stored.data, _headers(stored.hdrs))

    def _subject(self, key: str) -> str:
        return f"$KV.{self._bucket}.{key}"


def _headers(block: bytes) -> dict[str, str]:
    lines = block.decode(errors="replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, found, value in pairs if found}
