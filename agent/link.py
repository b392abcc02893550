"""The connection to the bus, made anew whenever it is lost: the only importer of nats.

A new connection is a new client with a new proof: a proof is taken once, and nothing that an old
connection had not sent may come later, out of its order. What must not be lost is kept by those
who send it, not here.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable, cast

import nats.errors
from nats.aio.client import Client

from agent import pinning
from agent.client import MachineClient
from agent.clock import Clock
from agent.console import say
from agent.tunnel import Tunnel

FIRST_WAIT = timedelta(seconds=2)
"""Machines of an array boot together: their first connects are spread over this long."""

LONGEST_WAIT = timedelta(seconds=30)
INBOX = "_INBOX_machine"
"""Where answers come, below it by instance: no user of the bus may listen there."""

RENEW_AFTER = timedelta(minutes=40)
"""A machine's user lives for an hour."""

_SHORTEST_WAIT = timedelta(milliseconds=250)
_VERDICT_WITHIN = timedelta(seconds=22)
"""More than the 20 s that the server gives to who checks proofs: asking again would double it."""

_CONNECT_WITHIN = timedelta(seconds=30)

_SETTLING = (1.0, 2.0)
"""Seconds from a server's return to the first proof: who checks proofs has to come back, too, and
a proof that nobody was asked about keeps its machine waiting for all of the 20 s."""

_WITHIN = timedelta(seconds=10)
_PING_SECONDS = 10
_CLOSE_WITHIN = timedelta(seconds=2)


class Away(Exception):  # noqa: N818 - a state of the bus, not a fault of the agent
    """The bus can't be reached now, or does not answer; what was asked may be asked again."""


class Refused(Exception):  # noqa: N818 - an answer
    """The one who was asked has answered with an error; `code` is as in the answer's header."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


Receiver = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Door:
    """Where the bus is, who connects, what it hears; `prove` makes a proof for a nonce."""

    url: str
    fingerprint: str
    instance_id: str
    subjects: tuple[str, ...]
    credentials: Callable[[], Awaitable[Callable[[str], str] | None]]


class Link:
    """Publishes, asks and hears over whichever connection there is."""

    def __init__(self, door: Door, receive: Receiver, clock: Clock) -> None:
        self._door = door
        self._receive = receive
        self._clock = clock
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._confirmed = False
        self._was_absent = False
        self.open = asyncio.Event()

    async def run(self, on_open: Callable[[], None]) -> None:
        """Keep a connection for ever; `on_open` is called for each new one."""
        wait = random.uniform(0, FIRST_WAIT.total_seconds())  # noqa: S311 - spreads load only
        failures = 0
        while True:
            await self._clock.sleep(timedelta(seconds=wait))
            try:
                await self._serve(on_open)
                failures = 0
            except Away as error:
                say(f"bus: {error}")
                failures += 1
            wait = backoff(failures, random.random())  # noqa: S311 - spreads load only

    async def _serve(self, on_open: Callable[[], None]) -> None:
        self._lost = asyncio.Event()
        self._confirmed = False
        client = self._new_client()
        try:
            await self._connect(client)
            self._was_absent = False
            self._client = client
            self.open.set()
            on_open()
            await self._until_lost()
        finally:
            self._client = None
            self.open.clear()
            self._lost.set()
            await _close(client)

    def _new_client(self) -> Client:
        client = MachineClient(self._settle)
        if self._door.url.startswith("tls:"):
            # In TLS from its first byte: no proof goes to whoever stands between.
            tunnel = Tunnel(pinning.context(self._door.fingerprint))
            cast("Any", client)._transport = tunnel  # noqa: SLF001 - takes no transport
        return client

    async def _settle(self) -> None:
        if self._was_absent:
            await self._clock.sleep(timedelta(seconds=random.uniform(*_SETTLING)))  # noqa: S311 - spreads load only

    async def _until_lost(self) -> None:
        try:
            lasting = RENEW_AFTER.total_seconds() * random.uniform(0.8, 1)  # noqa: S311 - spreads load only
            await asyncio.wait_for(self._lost.wait(), lasting)
        except asyncio.TimeoutError:
            return
        if not self._confirmed:
            # Let in, but nobody is there yet: who comes again at once only hammers at the door.
            raise Away("the connection ended before anybody answered")

    async def _connect(self, client: Client) -> None:
        errors: list[BaseException] = []
        try:
            await asyncio.wait_for(
                client.connect(**await self._options(client, errors)),
                _CONNECT_WITHIN.total_seconds(),
            )
            for subject in self._door.subjects:
                await cast("Any", client).subscribe(subject, cb=self._on_message)
        except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
            why = errors[-1] if errors else error
            self._was_absent = isinstance(why, OSError)
            raise Away(str(why) or type(why).__name__) from error

    async def _options(self, client: Client, errors: list[BaseException]) -> dict[str, Any]:
        lost = self._lost

        async def on_error(error: Exception) -> None:
            errors[:] = [error]

        async def on_closed() -> None:
            lost.set()

        prove = await self._door.credentials()

        def token() -> str:
            # What the server has said is known only in the middle of nats-py's connect.
            server = cast("Any", client)._server_info  # noqa: SLF001 - has no public name
            return prove(server.get("nonce") or secrets.token_hex(16)) if prove else ""

        return {
            "servers": [self._door.url],
            "name": self._door.instance_id,
            "inbox_prefix": f"{INBOX}.{self._door.instance_id}",
            "token": token if prove else None,
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            "connect_timeout": _VERDICT_WITHIN.total_seconds(),
            "ping_interval": _PING_SECONDS,
            "error_cb": on_error,
            "closed_cb": on_closed,
            "disconnected_cb": on_closed,
        }

    async def _on_message(self, message: Any) -> None:
        await self._receive(message.data)

    def confirm(self) -> None:
        """Note that somebody has answered: this connection is one."""
        self._confirmed = True

    def doubt(self) -> None:
        """Give this connection up: it is there, but nobody answers over it."""
        self._confirmed = False
        self._lost.set()

    async def ask(self, subject: str, body: bytes) -> bytes:
        """Return the answer of a service; raises `Away` and `Refused`."""
        answer = await self._request(subject, body, None)
        headers: dict[str, str] = answer.headers or {}
        code = headers.get("Nats-Service-Error-Code")
        if code:
            raise Refused(code, answer.data.decode(errors="replace")[:300])
        return bytes(answer.data)

    async def store(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Publish to a stream and wait until it has the message; raises `Away` and `Refused`."""
        answer = await self._request(subject, body, dict(headers))
        try:
            said = json.loads(answer.data)
        except ValueError as error:
            raise Away(f"{subject}: an answer that is none") from error
        if said.get("error"):
            raise Refused(str(said["error"].get("code")), str(said["error"]))

    async def _request(self, subject: str, body: bytes, headers: dict[str, str] | None) -> Any:
        client, lost = self._client, self._lost
        if client is None:
            raise Away("not connected")
        loop = asyncio.get_running_loop()
        asking = loop.create_task(
            client.request(subject, body, timeout=_WITHIN.total_seconds(), headers=headers)
        )
        losing = loop.create_task(lost.wait())
        try:
            await asyncio.wait({asking, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Away("the connection was lost")
            return asking.result()
        except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
            raise Away(f"{subject}: {str(error) or type(error).__name__}") from error
        finally:
            asking.cancel()
            losing.cancel()
            await asyncio.gather(asking, losing, return_exceptions=True)


def backoff(failures: int, luck: float) -> float:
    """Return the seconds to wait before the next connect; `luck` is from 0 to 1."""
    longest = LONGEST_WAIT.total_seconds()
    base = min(_SHORTEST_WAIT.total_seconds() * 2 ** min(failures, 20), longest)
    return base * (0.5 + luck / 2)


async def _close(client: Client) -> None:
    try:
        await asyncio.wait_for(client.close(), _CLOSE_WITHIN.total_seconds())
    except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
        say(f"bus: closing: {str(error) or type(error).__name__}")
