"""A connection while it shakes hands: the server's pings are no verdict.

A server that takes more than two seconds to decide about a client pings it meanwhile. nats-py
takes the first line that comes for the verdict, and after a ping it stays for ever between
connecting and connected: it believes to be there, sends nothing, and flushes without a word.
"""

from typing import Any

_PING, _PONG = b"PING\r\n", b"PONG\r\n"
_CONNECT = b"CONNECT "


class Handshake:
    """A transport of nats-py's whose lines are verdicts: pings are answered on the way."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, a CONNECT together with the PING that nats-py writes next.

        A server that has refused the CONNECT answers a late PING by a reset, which may overtake
        the reason.
        """
        if data.startswith(_CONNECT):
            self._held = data
            return
        self._transport.write(self._held + data)
        self._held = b""

    async def readline(self) -> bytes:
        """Return the next line that is no ping."""
        while (line := await self._transport.readline()) == _PING:
            self._transport.write(_PONG)
            await self._transport.drain()
        return line
