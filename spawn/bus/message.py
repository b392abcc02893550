"""A message as it came."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec


class Message(msgspec.Struct, frozen=True):
    """A message: `reply` is empty when no answer is wanted."""

    subject: str
    data: bytes
    reply: str = ""
    headers: Mapping[str, str] = {}


Receiver = Callable[[Message], Awaitable[None]]
