"""Auth callout: deciding who may connect to the bus.

The server asks on `$SYS.REQ.USER.AUTH` about everybody who is none of its own users
(https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_callout). A burst
must not make it worse for all: a few are looked at side by side, some wait, and the rest are told
at once to come later.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from spawn.bus import metrics
from spawn.bus.connection import Bus
from spawn.bus.issuing import Issuer, Permissions, claims_of
from spawn.bus.message import Message
from spawn.errors import Outcome, Rejected, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

SUBJECT = "$SYS.REQ.USER.AUTH"
SIDE_BY_SIDE = 32
MOST_WAITING = 200
_QUEUE = "callout"


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who wants in: what they show, and where they come from. `token` is a secret."""

    token: str
    host: str


Judge = Callable[[Knock], Awaitable[Permissions]]
"""Says what somebody may do, or raises the outcome for which they may do nothing."""


class _Client(msgspec.Struct, frozen=True):
    host: str = ""


class _Options(msgspec.Struct, frozen=True):
    auth_token: str = ""


class _Server(msgspec.Struct, frozen=True):
    id: str


class _Asked(msgspec.Struct, frozen=True):
    server_id: _Server
    user_nkey: str
    client_info: _Client = _Client()
    connect_opts: _Options = _Options()


class _Question(msgspec.Struct, frozen=True):
    nats: _Asked
    exp: int


@asynccontextmanager
async def answering(bus: Bus, issuer: Issuer, judge: Judge) -> AsyncGenerator[None]:
    """Answer the server for the length of the block, then for those that it has asked about."""
    door = _Door(bus, issuer, judge)
    async with asyncio.TaskGroup() as group:

        async def on_message(message: Message) -> None:
            group.create_task(door.answer(message))

        subscription = await bus.wire.subscribe(SUBJECT, on_message, queue=_QUEUE)
        try:
            yield
        finally:
            await subscription.close()


class _Door:
    def __init__(self, bus: Bus, issuer: Issuer, judge: Judge) -> None:
        self._bus = bus
        self._issuer = issuer
        self._judge = judge
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)
        self._waiting = 0

    async def answer(self, message: Message) -> None:
        try:
            question = claims_of(message.data, _Question)
        except Rejected as error:
            _log.error("the server's question can't be read", why=error.message)  # noqa: TRY400 - the server's format, not ours
            return
        answer, verdict = await self._decide(question)
        metrics.KNOCKS.labels(verdict).inc()
        try:
            await self._bus.wire.publish(message.reply, answer.encode())
        except Transient:
            _log.warning("verdict lost", verdict=verdict)

    async def _decide(self, question: _Question) -> tuple[str, str]:
        """Return the answer, and the verdict for the metrics."""
        asked = question.nats
        key, server, now = asked.user_nkey, asked.server_id.id, self._bus.clock.now()
        try:
            permissions = await self._in_turn(question)
            jwt = self._issuer.user(key, permissions, now=now)
            verdict = "admitted"
            _log.info(verdict, user=permissions.name, host=asked.client_info.host)
            return self._issuer.verdict(key, server=server, now=now, jwt=jwt), verdict
        except Outcome as error:
            verdict = "later" if isinstance(error, Transient) else "refused"
            _log.warning(verdict, host=asked.client_info.host, why=error.message, code=error.code)
        except Exception:  # noqa: BLE001 - nobody gets in by a defect, and the door lives
            verdict = "failed"
            _log.exception("judging failed", host=asked.client_info.host)
        # The client is told nothing but that it may not; the server logs the verdict.
        return self._issuer.verdict(key, server=server, now=now, no=verdict), verdict

    async def _in_turn(self, question: _Question) -> Permissions:
        if self._turns.locked() and self._waiting >= MOST_WAITING:
            raise Transient("too many are waiting", code="Later")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            if self._bus.clock.now().timestamp() >= question.exp:
                raise Transient("the server has given this one up", code="TooLate")
            asked = question.nats
            knock = Knock(token=asked.connect_opts.auth_token, host=asked.client_info.host)
            return await self._judge(knock)
        finally:
            self._turns.release()
