"""Continuous pulling from one consumer: never more messages here than there are slots.

The server sends only what a pull asked for, so a slow reader slows the flow instead of losing
messages, and a lost connection, a vanished consumer or silence ends in `Interrupted`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.message import Message
from spawn.bus.streams import nanoseconds
from spawn.bus.wire import Subscription
from spawn.clock import wait_event
from spawn.errors import Transient

_EXPIRES = timedelta(seconds=30)
_HEARTBEAT = timedelta(seconds=5)
_SPARE = 1000
"""Room for what an earlier pull still sends after a reconnect."""

_HEARTBEAT_STATUS = "100"
_NOTHING_MORE = frozenset({"404", "408"})
_ACK_PREFIX = "$JS.ACK."
_SHORT_TOKENS = 9


class Interrupted(Exception):  # noqa: N818 - an occasion, not an error
    """The flow has stopped: the consumer may be gone, or only the connection."""


class Place(msgspec.Struct, frozen=True):
    """Where a message stands: what JetStream writes into the subject for its acknowledgement."""

    consumer: str
    delivered: int
    sequence: int
    consumer_sequence: int
    stored_at: datetime
    pending: int


def place(message: Message) -> Place:
    """Read a message's place (https://docs.nats.io/reference/reference-protocols/nats_api_reference).

    Raises `ValueError` when the message does not come from a consumer.
    """
    tokens = message.reply.split(".")
    if not message.reply.startswith(_ACK_PREFIX) or len(tokens) < _SHORT_TOKENS:
        raise ValueError(f"{message.subject} is not a consumer's message")
    # The long form has a domain and an account hash in front of the stream.
    fields = tokens[3:] if len(tokens) == _SHORT_TOKENS else tokens[5:]
    consumer, delivered, sequence, consumer_sequence, stored, pending = fields[:6]
    return Place(
        consumer=consumer,
        delivered=int(delivered),
        sequence=int(sequence),
        consumer_sequence=int(consumer_sequence),
        stored_at=datetime.fromtimestamp(int(stored) / 1e9, UTC),
        pending=int(pending),
    )


class Pull:
    """The flow from one consumer: `next` takes a message, `done` gives its slot back."""

    def __init__(self, bus: Bus, *, stream: str, slots: int) -> None:
        self._bus = bus
        self._stream = stream
        self._slots = slots
        self._inbox = bus.wire.inbox()
        self._ready: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._consumer = ""
        self._pull = 0
        self._asked = 0
        self._held = 0
        self._broken = False
        self._stopped = False
        self._subscription: Subscription | None = None

    def start(self, consumer: str) -> None:
        """Pull from `consumer` from now on, afresh."""
        self._consumer = consumer
        self._asked = 0
        self._broken = False

    async def open(self) -> None:
        """Begin to listen."""
        self._subscription = await self._bus.wire.subscribe(
            f"{self._inbox}.*", self.receive, limit=2 * self._slots + _SPARE
        )

    async def stop(self) -> None:
        """Take no more; `next` returns None once it has handed out what is here.

        What is given back afterwards goes to another: nobody listens here any more.
        """
        self._stopped = True
        if self._subscription is not None:
            await self._subscription.close()
            self._subscription = None
        self._wake.set()

    def interrupt(self) -> None:
        """Make `next` raise `Interrupted` once it has handed out what is here."""
        self._broken = True
        self._wake.set()

    def done(self) -> None:
        """Give the slot of one message back."""
        self._held -= 1
        self._wake.set()

    async def next(self) -> Message | None:
        """Return the next message, or None when stopped; raise `Interrupted`."""
        while True:
            if self._ready:
                return self._ready.popleft()
            if self._stopped:
                return None
            if self._broken:
                raise Interrupted
            await self._refill()
            self._wake.clear()
            heard = await wait_event(self._wake, 2 * _HEARTBEAT)
            if not heard and self._asked > 0:
                raise Interrupted

    async def receive(self, message: Message) -> None:
        """Take what the server sends: a message, or a status on the inbox itself."""
        if message.subject.startswith(self._inbox):
            self._note_status(message)
        else:
            self._ready.append(message)
            self._held += 1
            self._asked = max(0, self._asked - 1)
        self._wake.set()

    def _note_status(self, message: Message) -> None:
        status = message.headers.get("Status", "")
        if status == _HEARTBEAT_STATUS or message.subject != f"{self._inbox}.{self._pull}":
            return
        self._asked = 0
        self._broken = self._broken or status not in _NOTHING_MORE

    async def _refill(self) -> None:
        free = self._slots - self._held
        if self._asked > 0 or free <= 0 or (self._held > 0 and free < self._slots // 2):
            return
        self._asked = free
        self._pull += 1
        body = {
            "batch": free,
            "expires": nanoseconds(_EXPIRES),
            "idle_heartbeat": nanoseconds(_HEARTBEAT),
        }
        try:
            await self._bus.wire.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}",
                codec.encode(body),
                reply=f"{self._inbox}.{self._pull}",
            )
        except Transient as error:
            raise Interrupted from error


@asynccontextmanager
async def pulling(bus: Bus, *, stream: str, slots: int) -> AsyncGenerator[Pull]:
    """Open a flow from a consumer of `stream`; `start` says which."""
    pull = Pull(bus, stream=stream, slots=slots)
    async with bus.listening(pull.interrupt):
        try:
            await pull.open()
            yield pull
        finally:
            await pull.stop()
