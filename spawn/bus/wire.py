"""The NATS client behind types of our own, hardened against what other clients may send."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from nats.aio.client import Client
from nats.errors import (
    ConnectionClosedError,
    ConnectionDrainingError,
    Error,
    OutboundBufferLimitError,
)

from spawn.bus.handshake import Handshake
from spawn.bus.message import Message, Receiver
from spawn.bus.replies import Replies
from spawn.errors import Cause, Transient

MALFORMED = "spawn-malformed-headers"
"""The header of a message whose headers can't be read."""

CLOSED = "Closed"
BUFFER_FULL = "BufferFull"

_BYTES_PENDING = 64 * 1024 * 1024


class HardenedClient(Client):
    """A client that no message can stop, and that is connected when the server says so.

    nats-py decodes subjects and status lines strictly, and outside of any try: one byte that is
    not UTF-8, from anybody who may publish, ends its read loop while it believes to be connected.
    """

    async def _process_connect_init(self) -> None:
        inherited: Any = super()
        transport = self._transport
        self._transport = cast("Any", Handshake(transport))
        try:
            await inherited._process_connect_init()  # noqa: SLF001 - the overridden one
        finally:
            self._transport = transport

    async def _process_headers(self, headers: Any) -> dict[str, str] | None:
        try:
            return await self._read_headers(headers)
        except (UnicodeDecodeError, IndexError, ValueError):
            return {MALFORMED: "1"}

    async def _read_headers(self, headers: Any) -> dict[str, str] | None:
        inherited: Any = super()
        return await inherited._process_headers(headers)  # noqa: SLF001 - the overridden one

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        """Read headers by line; the inherited one looks at each character of each name."""
        found: dict[str, str] = {}
        for line in raw.decode(errors="replace").split("\r\n"):
            name, colon, value = line.partition(":")
            # A name is one word of ASCII: others can't be looked up.
            if colon and name.isascii() and len(words := name.split()) == 1:
                found[words[0]] = value.strip(" \t\n\r\v\f")
        return found

    def _build_message(self, sid: Any, subject: Any, reply: Any, data: Any, headers: Any) -> Any:
        readable = subject.decode(errors="replace").encode()
        return super()._build_message(
            sid, readable, reply.decode(errors="replace").encode(), data, headers
        )


class Subscription:
    """An interest in a subject, until `close`."""

    def __init__(self, subscribed: Any) -> None:
        self._subscribed = subscribed

    async def close(self) -> None:
        """End the interest; nothing to do when the connection is closed."""
        try:
            await self._subscribed.unsubscribe()
        except (ConnectionClosedError, ConnectionDrainingError):
            return
        finally:
            # Unsubscribing leaves the client's own task waiting for messages.
            task = self._subscribed._wait_for_msgs_task  # noqa: SLF001 - has no public end
            if task is not None:
                task.cancel()


class Wire:
    """Publish, request, subscribe: failures as `Transient`, their code one of this module's."""

    def __init__(self, client: Client) -> None:
        self._client = cast("Any", client)
        self._opening = asyncio.Lock()
        self._replies: Replies | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the server answers, as far as the client knows."""
        return bool(self._client.is_connected)

    def inbox(self) -> str:
        """Return a new subject for answers."""
        return str(self._client.new_inbox())

    async def publish(
        self,
        subject: str,
        data: bytes = b"",
        *,
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send; buffered while the connection is away."""
        try:
            await self._client.publish(
                subject, data, reply=reply, headers=dict(headers) if headers else None
            )
        except Error as error:
            raise _outcome(error, subject) from error

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        within: timedelta,
    ) -> Message:
        """Send and wait for one answer; fails at once when the connection is lost meanwhile."""
        replies = await self._listening()
        reply = replies.expect(subject)
        try:
            await self.publish(subject, data, reply=reply.inbox, headers=headers)
        except BaseException:
            reply.forget()
            raise
        return await reply.wait(within)

    def fail_requests(self) -> None:
        """Fail every request that waits for its answer: the connection is lost."""
        if self._replies is not None:
            self._replies.fail()

    async def _listening(self) -> Replies:
        if self._replies is not None:
            return self._replies
        async with self._opening:
            if self._replies is None:
                replies = Replies(self.inbox())
                await self.subscribe(f"{replies.inbox}.*", replies.receive)
                self._replies = replies
            return self._replies

    async def subscribe(
        self, subject: str, receiver: Receiver, *, queue: str = "", limit: int = 65_536
    ) -> Subscription:
        """Call `receiver` for each message, one at a time; beyond `limit` waiting, drop."""

        async def on_message(message: Any) -> None:
            await receiver(_message(message))

        try:
            subscribed = await self._client.subscribe(
                subject,
                queue=queue,
                cb=on_message,
                pending_msgs_limit=limit,
                pending_bytes_limit=_BYTES_PENDING,
            )
        except Error as error:
            raise _outcome(error, subject) from error
        return Subscription(subscribed)

    async def close(self) -> None:
        """Write what is buffered and close for good."""
        await self._client.close()


def _message(message: Any) -> Message:
    return Message(message.subject, message.data, message.reply or "", message.headers or {})


def _outcome(error: Error, subject: str) -> Transient:
    match error:
        case OutboundBufferLimitError():
            code, what = BUFFER_FULL, "the bus is away and the buffer full"
        case ConnectionClosedError() | ConnectionDrainingError():
            code, what = CLOSED, "the connection is closed"
        case _:
            code, what = type(error).__name__, "the client refused"
    return Transient(f"{subject}: {what}", code=code, cause=Cause.UNREACHABLE)
