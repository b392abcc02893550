"""A bus in memory that holds state: buckets with revisions, events, commands and fences.

`FakeBus` is the server, shared by everything that is made from it; a replica that restarts makes
new stores, events and fences of the same server.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec

from spawn.bus import codec
from spawn.bus.cloudevents import decode_event, event_headers
from spawn.bus.ports import CaughtUp, Change, Deleted, Entry, Receipt, Restarted
from spawn.bus.stores import check_key
from spawn.bus.streams import LARGEST_COMMAND
from spawn.contracts.assignments import Tell
from spawn.contracts.events import Event
from spawn.errors import Conflict, NotFound, Outcome, Rejected, Transient

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True):
    revision: int
    data: bytes | None


class Sent(msgspec.Struct, frozen=True):
    subject: str
    data: bytes
    message_id: str


class Bucket:
    """Records by key; a deleted one stays as a record without data, as a marker does."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.watches: set[asyncio.Queue[str | None]] = set()
        self.revision = 0
        self.writes = 0

    def write(self, key: str, data: bytes | None, *, expected: int | None) -> int:
        current = self.records.get(key)
        if expected is not None and (current.revision if current else 0) != expected:
            raise Conflict(f"{key} has been written by another")
        self.revision += 1
        self.writes += 1
        self.records[key] = Record(self.revision, data)
        self.tell(key)
        return self.revision

    def tell(self, key: str | None) -> None:
        for watch in self.watches:
            watch.put_nowait(key)

    def lose(self) -> None:
        self.records.clear()
        self.revision = 0
        self.tell(None)


class FakeBus:
    """What the server holds."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = defaultdict(Bucket)
        self.events: list[Event] = []
        self.event_ids: dict[str, int] = {}
        self.commands: list[Sent] = []
        self.tells: list[tuple[str, Tell]] = []
        self.fences: dict[str, tuple[str, int]] = {}
        self.held: dict[str, FakeFence] = {}
        self.fence_revision = 0
        self.published = asyncio.Event()

    def lose(self) -> None:
        """Lose everything, as when the server's disk is gone; watches say `Restarted`."""
        for bucket in self.buckets.values():
            bucket.lose()
        self.events.clear()
        self.event_ids.clear()
        self.commands.clear()
        self.fences.clear()

    def expire_fence(self, key: str) -> None:
        """Let the hold of `key` end, as when its holder has been silent for its TTL."""
        self.fences.pop(key, None)
        held = self.held.pop(key, None)
        if held is not None:
            held.lost.set()


class FakeStore(Generic[T]):
    """A `StorePort` on a bucket of the fake bus."""

    def __init__(self, bus: FakeBus, bucket: str, kind: type[T]) -> None:
        self._bucket = bus.buckets[bucket]
        self._kind = kind

    async def get(self, key: str) -> Entry[T]:
        record = self._bucket.records.get(check_key(key))
        if record is None or record.data is None:
            raise NotFound(f"{key} does not exist")
        return Entry(key, codec.decode(record.data, self._kind), record.revision)

    async def create(self, key: str, value: T) -> int:
        data = codec.encode(value, field=key)
        record = self._bucket.records.get(check_key(key))
        if record is not None and record.data is not None:
            raise Conflict(f"{key} exists")
        return self._bucket.write(key, data, expected=record.revision if record else 0)

    async def update(self, key: str, value: T, revision: int) -> int:
        data = codec.encode(value, field=key)
        return self._bucket.write(check_key(key), data, expected=revision)

    async def delete(self, key: str, revision: int | None = None) -> None:
        self._bucket.write(check_key(key), None, expected=revision)

    async def load(self, pattern: str = ">") -> dict[str, Entry[T]]:
        found: dict[str, Entry[T]] = {}
        for key in self._matching(pattern):
            change = self._change(key)
            if isinstance(change, Entry):
                found[key] = change
        return found

    async def watch(self, pattern: str = ">") -> AsyncGenerator[Change[T]]:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._bucket.watches.add(queue)
        try:
            for key in self._matching(pattern):
                change = self._change(key)
                if change is not None:
                    yield change
            yield CaughtUp()
            while True:
                key = await queue.get()
                if key is None:
                    yield Restarted()
                    yield CaughtUp()
                elif matches(pattern, key):
                    change = self._change(key)
                    if change is not None:
                        yield change
        finally:
            self._bucket.watches.discard(queue)

    def _matching(self, pattern: str) -> list[str]:
        records = self._bucket.records
        keys = [key for key in records if matches(pattern, key)]
        return sorted(keys, key=lambda key: records[key].revision)

    def _change(self, key: str) -> Change[T] | None:
        record = self._bucket.records.get(key)
        if record is None:
            return None
        if record.data is None:
            return Deleted(key, record.revision)
        try:
            return Entry(key, codec.decode(record.data, self._kind), record.revision)
        except Rejected:
            return None


class FakeEvents:
    """An `EventsPort`: what is published can be read in `FakeBus.events`, each id once."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus

    async def publish(self, event: Event) -> Receipt:
        body = codec.encode(event.data)
        known = self._bus.event_ids.get(event.id)
        if known is not None:
            return Receipt("SPAWN_EVENTS", known, duplicate=True)
        # Through the wire's form, so that what a reader gets is what was published.
        self._bus.events.append(decode_event(event_headers(event), event.subject, body))
        self._bus.event_ids[event.id] = len(self._bus.events)
        self._bus.published.set()
        return Receipt("SPAWN_EVENTS", len(self._bus.events))

    async def publish_many(self, events: tuple[Event, ...]) -> None:
        for event in events:
            await self.publish(event)


class FakeCommands:
    """A `CommandsPort`: what is sent can be read in `FakeBus.commands`, each id once."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus

    async def send(self, subject: str, body: msgspec.Struct, *, message_id: str) -> Receipt:
        data = codec.encode(body, largest=LARGEST_COMMAND)
        for number, sent in enumerate(self._bus.commands, start=1):
            if sent.message_id == message_id:
                return Receipt("SPAWN_COMMANDS", number, duplicate=True)
        self._bus.commands.append(Sent(subject, data, message_id))
        return Receipt("SPAWN_COMMANDS", len(self._bus.commands))


class FakeTells:
    """A `TellsPort`: what machines are told can be read in `FakeBus.tells`."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus

    async def tell(self, subject: str, tell: Tell) -> None:
        self._bus.tells.append((subject, codec.decode(codec.encode(tell), Tell)))


class FakeRequests:
    """A `RequestsPort`: each subject has one answer, or the outcome that is raised instead."""

    def __init__(self, answers: Mapping[str, msgspec.Struct | Outcome]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, msgspec.Struct]] = []

    async def ask(self, subject: str, body: msgspec.Struct, answer: type[T]) -> T:
        self.asked.append((subject, body))
        found = self.answers.get(subject)
        if isinstance(found, Outcome):
            raise found
        if found is None:
            raise Transient(f"nobody answers on {subject}")
        return codec.decode(codec.encode(found), answer)


class FakeFence:
    def __init__(self, key: str, token: int) -> None:
        self.key = key
        self.token = token
        self.lost = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        return self.lost.is_set()

    async def wait_lost(self) -> None:
        await self.lost.wait()


class FakeFences:
    """A `FencesPort` of one replica; a hold ends with its block or by `FakeBus.expire_fence`."""

    def __init__(self, bus: FakeBus, *, holder: str) -> None:
        self._bus = bus
        self._holder = holder

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncGenerator[FakeFence | None]:
        held = self._bus.fences.get(key)
        if held is not None and held[0] != self._holder:
            yield None
            return
        self._bus.fence_revision += 1
        fence = FakeFence(key, self._bus.fence_revision)
        before = self._bus.held.get(key)
        if before is not None:
            before.lost.set()
        self._bus.fences[key] = (self._holder, fence.token)
        self._bus.held[key] = fence
        try:
            yield fence
        finally:
            if self._bus.fences.get(key) == (self._holder, fence.token):
                del self._bus.fences[key]
                del self._bus.held[key]


def matches(pattern: str, key: str) -> bool:
    """Say whether a subject matches, with `*` for one token and `>` for one or more at the end."""
    wanted, tokens = pattern.split("."), key.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(tokens) > place
        if place >= len(tokens) or token not in ("*", tokens[place]):
            return False
    return len(wanted) == len(tokens)
