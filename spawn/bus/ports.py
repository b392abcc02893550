"""What services may ask of the bus, as types that need no connection."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from spawn.contracts.assignments import Tell
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.reports import Heartbeat
from spawn.errors import Rejected

T = TypeVar("T")
B_co = TypeVar("B_co", covariant=True)


class Entry(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A record as it stands in a bucket; `revision` goes up with every write of the bucket."""

    key: str
    value: T
    revision: int


class Deleted(msgspec.Struct, frozen=True):
    """The key's record is gone."""

    key: str
    revision: int


class CaughtUp(msgspec.Struct, frozen=True):
    """What existed when the reading began has been delivered."""


class Restarted(msgspec.Struct, frozen=True):
    """The stream was lost and made anew: forget what was read and start again."""


Change = Entry[T] | Deleted | CaughtUp | Restarted


class Receipt(msgspec.Struct, frozen=True):
    """The bus has stored a message; `duplicate` says that it had done so before."""

    stream: str
    seq: int
    duplicate: bool = False


class Followed(msgspec.Struct, frozen=True):
    """An event as it was read, with its headers and its place in the stream."""

    event: Event
    headers: Mapping[str, str]
    sequence: int


class Command(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A command as a handler gets it. `owner` is the bus user, from the subject alone.

    `delivered` counts from 1; `sent_at` is when the bus stored it.
    """

    body: T
    subject: str
    owner: str
    message_id: str
    delivered: int
    sent_at: datetime
    headers: Mapping[str, str] = {}


class Buried(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was put aside as a dead letter: `rejection` says why, and names the field.

    Its body failed its schema, or its handler failed too often; it may be anything.
    """

    subject: str
    owner: str
    body: bytes
    message_id: str
    rejection: Rejected


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a handler gets it."""

    event: Event
    sequence: int
    delivered: int


class Reported(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A machine's report as a handler gets it; the ids are the subject's."""

    report: T
    array_id: ArrayId
    instance_id: InstanceId
    sequence: int


class Due(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A timer that is due, as a handler gets it; `timer` is its name."""

    timer: str
    body: T


class Request(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A question as an endpoint gets it."""

    body: T
    subject: str
    headers: Mapping[str, str] = {}


class StorePort(Protocol[T]):
    """Records of one type in one bucket, with compare-and-set."""

    async def get(self, key: str) -> Entry[T]:
        """Return the record; raise `NotFound` when there is none."""
        ...

    async def create(self, key: str, value: T) -> int:
        """Write a record that must not exist; return its revision or raise `Conflict`."""
        ...

    async def update(self, key: str, value: T, revision: int) -> int:
        """Replace the record of that revision; return the new one or raise `Conflict`."""
        ...

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Remove the record, of that revision if given; raise `Conflict` when it has another."""
        ...

    async def load(self, pattern: str = ">") -> dict[str, Entry[T]]:
        """Return every record whose key matches."""
        ...

    def watch(self, pattern: str = ">") -> AsyncGenerator[Change[T]]:
        """Yield every record, then `CaughtUp`, then changes, for as long as it is iterated."""
        ...


class EventsPort(Protocol):
    """Where facts are published."""

    async def publish(self, event: Event) -> Receipt:
        """Publish one event; again with the same id is recognised."""
        ...

    async def publish_many(self, events: tuple[Event, ...]) -> None:
        """Publish many: in order for each member, members side by side."""
        ...


class CommandsPort(Protocol):
    """Where commands are sent."""

    async def send(self, subject: str, body: msgspec.Struct, *, message_id: str) -> Receipt:
        """Store a command; again with the same id is recognised."""
        ...


class Fence(Protocol):
    """A key held exclusively; `token` goes up with every holder and renewal."""

    @property
    def token(self) -> int:
        """The revision of the hold."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether somebody else may hold the key now."""
        ...

    async def wait_lost(self) -> None:
        """Return when the fence is lost."""
        ...


class SchedulesPort(Protocol):
    """Durable timers, each named `<array>.<what>`: what is set is heard as due, once."""

    async def set(self, timer: str, at: datetime, body: msgspec.Struct) -> None:
        """Set a timer, in place of what it was set to; a past instant is due at once."""
        ...

    async def cancel(self, timer: str) -> None:
        """Have a timer never be due; one that is not set is no failure."""
        ...

    async def names(self) -> frozenset[str]:
        """Return the names of all timers that are set."""
        ...


class FencesPort(Protocol):
    """Exclusive holds, each by one replica at a time."""

    def hold(self, key: str) -> AbstractAsyncContextManager[Fence | None]:
        """Try once to hold `key` for the length of the block; None when another holds it."""
        ...


class TellsPort(Protocol):
    """Where machines are nudged."""

    async def tell(self, subject: str, tell: Tell) -> None:
        """Publish a nudge; nobody says whether it was heard."""
        ...


class HeartbeatsPort(Protocol):
    """Where machines are heard of."""

    def follow(self) -> AsyncGenerator[Reported[Heartbeat]]:
        """Yield each machine's last heartbeat, and those that follow, while it is iterated."""
        ...


class RequestsPort(Protocol):
    """Where questions are asked."""

    async def ask(self, subject: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Return the answer, or raise the outcome that the endpoint raised."""
        ...
