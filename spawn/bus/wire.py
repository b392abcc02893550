"""The NATS client behind types of our own, hardened against what other clients may send."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, cast

import msgspec
from nats.aio.client import Client
from nats.errors import (
    ConnectionClosedError,
    ConnectionDrainingError,
    Error,
    NoRespondersError,
    OutboundBufferLimitError,
)
from nats.errors import TimeoutError as NatsTimeoutError

from spawn.errors import Cause, Transient

MALFORMED = "spawn-malformed-headers"
"""The header of a message whose headers can't be read."""

NO_RESPONDERS = "NoResponders"
TIMED_OUT = "TimedOut"
CLOSED = "Closed"
BUFFER_FULL = "BufferFull"

_BYTES_PENDING = 64 * 1024 * 1024


class Message(msgspec.Struct, frozen=True):
    """A message as it came."""

    subject: str
    data: bytes
    reply: str = ""
    headers: Mapping[str, str] = {}


Receiver = Callable[[Message], Awaitable[None]]


class HardenedClient(Client):
    """A client that no message can stop.

    nats-py decodes subjects and status lines strictly, and outside of any try: one byte that is
    not UTF-8, from anybody who may publish, ends its read loop while it believes to be connected.
    """

    async def _process_headers(self, headers: Any) -> dict[str, str] | None:
        try:
            return await self._read_headers(headers)
        except (UnicodeDecodeError, IndexError, ValueError):
            return {MALFORMED: "1"}

    async def _read_headers(self, headers: Any) -> dict[str, str] | None:
        inherited: Any = super()
        return await inherited._process_headers(headers)  # noqa: SLF001 - the overridden one

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
        timeout: timedelta,  # noqa: ASYNC109 - the client's own, which frees its inbox
    ) -> Message:
        """Send and wait for one answer."""
        try:
            answer = await self._client.request(
                subject,
                data,
                timeout=timeout.total_seconds(),
                headers=dict(headers) if headers else None,
            )
        except Error as error:
            raise _outcome(error, subject) from error
        return _message(answer)

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
        case NoRespondersError():
            code, what = NO_RESPONDERS, "nobody answers"
        case NatsTimeoutError():
            code, what = TIMED_OUT, "no answer in time"
        case OutboundBufferLimitError():
            code, what = BUFFER_FULL, "the bus is away and the buffer full"
        case ConnectionClosedError() | ConnectionDrainingError():
            code, what = CLOSED, "the connection is closed"
        case _:
            code, what = type(error).__name__, "the client refused"
    return Transient(f"{subject}: {what}", code=code, cause=Cause.UNREACHABLE)
