"""Waiting for answers: one inbox for all requests of a connection.

Unlike nats-py's own, it fails at once what waits when the connection is lost, instead of after
its time-out.
"""

import asyncio
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

    def expect(self) -> tuple[str, asyncio.Future[Message]]:
        """Return a subject for one answer, and the answer; give both to `wait`."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        token = str(next(self._numbers))
        self._waiting[token] = future
        return f"{self.inbox}.{token}", future

    async def wait(
        self, reply: str, answer: asyncio.Future[Message], *, within: timedelta
    ) -> Message:
        """Wait for an answer; raise `Transient` when none comes, its code one of this module's."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                message = await answer
        except TimeoutError:
            raise _nothing(f"no answer in {within.total_seconds():g} s", TIMED_OUT) from None
        finally:
            self.forget(reply)
        if message.headers.get("Status") == _NO_RESPONDERS_STATUS and not message.data:
            raise _nothing("nobody answers", NO_RESPONDERS)
        return message

    def forget(self, reply: str) -> None:
        """Stop waiting for an answer."""
        self._waiting.pop(reply.rpartition(".")[2], None)

    async def receive(self, message: Message) -> None:
        """Take what comes to the inbox; what nobody waits for any more is dropped."""
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def fail(self) -> None:
        """Fail everything that is waited for: the connection is lost."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(_nothing("the connection was lost", DISCONNECTED))


def _nothing(what: str, code: str) -> Transient:
    return Transient(what, code=code, cause=Cause.UNREACHABLE)
