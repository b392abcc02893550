"""The bus over a WebSocket in TLS: how it listens to machines that are not on its own host.

nats-py's own transport for this is made of aiohttp, which a machine does not have. The protocol
(RFC 6455) is small where both sides send binary frames alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import ssl
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult

from nats.aio.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""https://www.rfc-editor.org/rfc/rfc6455#section-1.3"""

_BINARY, _CLOSE, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_LAST, _MASKED = 0x80, 0x80
_SHORT, _LONG = 126, 127
_LARGEST = 16 * 1024 * 1024


class Tunnel(Transport):
    """One connection, from the TLS handshake on; a stream of bytes to nats-py."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._reader: Any = None
        self._writer: Any = None
        self._rest = b""
        self._ended = False

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Open the connection; raises `OSError` when what answers is no bus."""
        del buffer_size
        await asyncio.wait_for(self._open(uri.hostname or "", uri.port), connect_timeout)

    async def connect_tls(
        self,
        uri: str | ParseResult,
        ssl_context: ssl.SSLContext,
        buffer_size: int,
        connect_timeout: int,
    ) -> None:
        """Do nothing: the connection has been in TLS from its first byte."""

    async def _open(self, host: str, port: int | None) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            host, port, ssl=self._context, server_hostname=host
        )
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        shown = f"[{host}]" if ":" in host else host
        self._writer.write(
            (
                f"GET / HTTP/1.1\r\nHost: {shown}:{port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        try:
            answer = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionError("what answers there is no bus") from error
        _check(answer, key)

    def write(self, payload: bytes) -> None:
        """Send bytes."""
        self._writer.write(frame(_BINARY, payload, secrets.token_bytes(4)))

    def writelines(self, payload: Iterable[bytes]) -> None:
        """Send bytes, as one frame."""
        self.write(b"".join(payload))

    async def drain(self) -> None:
        """Wait until the network has taken what was sent."""
        await self._writer.drain()

    async def read(self, buffer_size: int) -> bytes:
        """Return bytes as they have come; none at the end."""
        del buffer_size
        rest, self._rest = self._rest, b""
        return rest or await self._payload()

    async def readline(self) -> bytes:
        """Return the bytes up to the next end of a line."""
        while b"\n" not in self._rest:
            more = await self._payload()
            if not more:
                break
            self._rest += more
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    async def _payload(self) -> bytes:
        """Return what the next frame with data holds; nothing when there will be none."""
        while not self._ended:
            try:
                kind, data = await self._frame()
            except asyncio.IncompleteReadError:
                break
            if kind == _CLOSE:
                break
            if kind == _PING:
                self._writer.write(frame(_PONG, data, secrets.token_bytes(4)))
            elif kind != _PONG and data:
                return data
        self._ended = True
        return b""

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & 0x7F
        if size == _SHORT:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif size == _LONG:
            (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
        if size > _LARGEST or second & _MASKED:
            raise ConnectionError("the bus sends what it may not")
        return first & 0x0F, await self._reader.readexactly(size)

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed."""
        if self._writer is not None:
            await self._writer.wait_closed()

    def at_eof(self) -> bool:
        """Say whether nothing more will come."""
        return self._ended and not self._rest

    def __bool__(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]  nats-py's own says nothing of what it returns
        return True


def frame(kind: int, payload: bytes, mask: bytes) -> bytes:
    """Return a frame as a client sends it: masked by four random bytes."""
    size = len(payload)
    if size < _SHORT:
        head = struct.pack("!BB", _LAST | kind, _MASKED | size)
    elif size <= 0xFFFF:  # noqa: PLR2004 - what two bytes hold
        head = struct.pack("!BBH", _LAST | kind, _MASKED | _SHORT, size)
    else:
        head = struct.pack("!BBQ", _LAST | kind, _MASKED | _LONG, size)
    return head + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    # As two large numbers: byte by byte, Python would be slower than the network.
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return number.to_bytes(size, "big")


def _check(answer: bytes, key: str) -> None:
    lines = answer.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    # The handshake's own digest: it proves that a WebSocket answers, and protects nothing.
    wanted = hashlib.sha1(f"{key}{_KEY_SALT}".encode()).digest()  # noqa: S324 - see above
    accepted = base64.b64encode(wanted).decode()
    if " 101 " not in f"{lines[0]} " or headers.get("sec-websocket-accept") != accepted:
        raise ConnectionError(f"what answers there is no bus: {lines[0][:80]}")
