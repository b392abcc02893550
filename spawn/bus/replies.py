"""Waiting for answers: one inbox for all requests of a connection.

Unlike nats-py's own, it fails at once what waits when the connection is lost, instead of after
its time-out.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count

from spawn.bus.message import Message
from spawn.errors import Cause, Transient

NO_RESPONDERS = "NoResponders"
TIMED_OUT = "TimedOut"
DISCONNECTED = "Disconnected"

_NO_RESPONDERS_STATUS = "503"


class Replies:
    """The answers that are waited for, by the last token of their subject."""

    def __init__(self, inbox: str) -> None:
        self.inbox = inbox
        self._numbers = count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}

    def expect(self, subject: str) -> "Reply":
        """Return the answer to a request on `subject`, to be waited for."""
        token = str(next(self._numbers))
        reply = Reply(f"{self.inbox}.{token}", subject, forget=lambda: self._forget(token))
        self._waiting[token] = reply.answer
        return reply

    def _forget(self, token: str) -> None:
        self._waiting.pop(token, None)

    async def receive(self, message: Message) -> None:
        """Take what comes to the inbox; what nobody waits for any more is dropped."""
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def fail(self) -> None:
        """Fail everything that is waited for: the connection is lost."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())


class Reply:
    """One answer: `inbox` is where it is to be sent."""

    def __init__(self, inbox: str, subject: str, *, forget: Callable[[], None]) -> None:
        self.inbox = inbox
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._subject = subject
        self._forget = forget

    def forget(self) -> None:
        """Stop waiting."""
        self._forget()
        self.answer.cancel()

    async def wait(self, within: timedelta) -> Message:
        """Return the answer; raise `Transient`, its code one of this module's, without one."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                message = await self.answer
        except TimeoutError:
            raise self._nothing(f"no answer in {within.total_seconds():g} s", TIMED_OUT) from None
        except ConnectionResetError:
            raise self._nothing("the connection was lost", DISCONNECTED) from None
        finally:
            self.forget()
        if message.headers.get("Status") == _NO_RESPONDERS_STATUS and not message.data:
            raise self._nothing("nobody answers", NO_RESPONDERS)
        return message

    def _nothing(self, what: str, code: str) -> Transient:
        return Transient(f"{self._subject}: {what}", code=code, cause=Cause.UNREACHABLE)
