"""Who is connected to the bus, and closing a connection: the server's own requests.

They are answered to a user of the system account
(https://docs.nats.io/running-a-nats-service/configuration/sys_accounts).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.requests import gather
from spawn.errors import Transient

_PAGE = 500
_WITHIN = timedelta(seconds=2)


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """One connection: the user's name, and by what its server knows it."""

    user: str
    server_id: str
    client_id: int


class _Connection(msgspec.Struct, frozen=True):
    cid: int
    authorized_user: str = ""


class _Page(msgspec.Struct, frozen=True):
    total: int = 0
    offset: int = 0
    connections: list[_Connection] | None = None


class _Server(msgspec.Struct, frozen=True):
    id: str


class _Answer(msgspec.Struct, frozen=True):
    server: _Server
    data: _Page = _Page()


class Clients:
    """The connections of one account, on all servers of a cluster."""

    def __init__(self, bus: Bus, account: str) -> None:
        self._bus = bus
        self._account = account

    async def connected(self) -> tuple[Connected, ...]:
        """Return everybody who is connected. Raises `Transient` when no server answers."""
        firsts = await gather(self._bus, "$SYS.REQ.SERVER.PING.CONNZ", self._query(0))
        if not firsts:
            raise Transient("no server says who is connected")
        found: list[Connected] = []
        for first in firsts:
            answer = codec.decode(first, _Answer)
            found += _connected(answer)
            for offset in range(_PAGE, answer.data.total, _PAGE):
                subject = f"$SYS.REQ.SERVER.{answer.server.id}.CONNZ"
                page = await self._bus.wire.request(subject, self._query(offset), within=_WITHIN)
                found += _connected(codec.decode(page.data, _Answer))
        return tuple(found)

    async def close(self, connected: Connected) -> None:
        """Have the server close a connection; one that is gone already is no failure."""
        subject = f"$SYS.REQ.SERVER.{connected.server_id}.KICK"
        body = codec.encode({"cid": connected.client_id})
        await self._bus.wire.request(subject, body, within=_WITHIN)

    def _query(self, offset: int) -> bytes:
        query: dict[str, Any] = {
            "auth": True,
            "acc": self._account,
            "limit": _PAGE,
            "offset": offset,
        }
        return codec.encode(query)


def _connected(answer: _Answer) -> Iterable[Connected]:
    for each in answer.data.connections or ():
        yield Connected(user=each.authorized_user, server_id=answer.server.id, client_id=each.cid)
