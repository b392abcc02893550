"""nats-py's client, which is connected when the server has decided, and not before.

A server that takes more than two seconds to judge a proof pings the client meanwhile. nats-py
takes the first line that comes for the verdict, and after a ping it stays for ever between
connecting and connected: it believes to be there, sends nothing, and flushes without a word.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Callable, cast

from nats.aio.client import Client

_PING, _PONG = b"PING\r\n", b"PONG\r\n"


async def _at_once() -> None: ...


class MachineClient(Client):
    """A client whose `connect` returns after the verdict; `settle` comes before its proof."""

    def __init__(self, settle: Callable[[], Awaitable[None]] = _at_once) -> None:
        super().__init__()
        self._settle = settle

    async def _process_connect_init(self) -> None:
        inherited: Any = super()
        await self._settle()
        transport = self._transport
        self._transport = cast("Any", _Handshake(transport))
        try:
            await inherited._process_connect_init()  # noqa: SLF001 - the overridden one
        finally:
            self._transport = transport


class _Handshake:
    """A transport whose lines are verdicts: pings are answered on the way."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    async def readline(self) -> bytes:
        while (line := await self._transport.readline()) == _PING:
            self._transport.write(_PONG)
            await self._transport.drain()
        return bytes(line)
