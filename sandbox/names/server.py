"""The sockets of the name server: UDP and TCP on one port."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any

from sandbox.names.answers import answer
from sandbox.names.zones import Zone
from spawn.errors import Transient

_IDLE_SECONDS = 10
"""How long a connection may stand without a question
(https://www.rfc-editor.org/rfc/rfc7766#section-6.2.3)."""
_MOST_TRIES = 20
_LENGTH = 2


@asynccontextmanager
async def serving(
    host: str, port: int, zones: Callable[[], Collection[Zone]]
) -> AsyncGenerator[int]:
    """Answer inside the block; the value is the port, chosen when it is given as 0.

    Raises OSError when the port is taken.
    """
    datagrams, listener = _bind(host, port)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(zones), sock=datagrams)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(reader, writer, zones)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, sock=listener)
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        transport.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zones: Callable[[], Collection[Zone]]) -> None:
        self._zones = zones
        # uvloop's is none of asyncio's classes.
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = answer(data, self._zones(), over_udp=True)
        if reply is not None:
            self._transport.sendto(reply, addr)


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    zones: Callable[[], Collection[Zone]],
) -> None:
    """Answer one question after the other until the client leaves, or says nothing more."""
    with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                length = int.from_bytes(await reader.readexactly(_LENGTH))
                wire = await reader.readexactly(length)
            reply = answer(wire, zones(), over_udp=False)
            if reply is None:
                return
            writer.write(len(reply).to_bytes(_LENGTH) + reply)
            await writer.drain()


def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a listening TCP socket that share a port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_MOST_TRIES):
        listener = socket.create_server((host, port), family=family)
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        try:
            datagrams.bind((host, listener.getsockname()[1]))
        except OSError:
            listener.close()
            datagrams.close()
            if port:
                raise
        else:
            return datagrams, listener
    raise Transient(f"no port of {host} is free for UDP and TCP alike")
