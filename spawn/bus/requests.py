"""Asking: requests to endpoints, with their errors as the outcomes that they were."""

import asyncio
from datetime import timedelta
from typing import TypeVar

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.message import Message
from spawn.bus.replies import NO_RESPONDERS
from spawn.clock import wait_event
from spawn.contracts.durations import format_duration
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient
from spawn.telemetry import tracing

T = TypeVar("T")

ERROR = "Nats-Service-Error"
ERROR_CODE = "Nats-Service-Error-Code"
"""Headers of a micro service's error (https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md)."""

ANSWER_WITHIN = timedelta(seconds=5)
_GATHER = timedelta(milliseconds=300)
_SILENCE = timedelta(milliseconds=100)
"""After this long without another answer all have answered."""


class Problem(msgspec.Struct, frozen=True):
    """The body of an error reply."""

    code: str
    message: str
    field: str = ""
    cause: str = ""


async def request(
    bus: Bus,
    subject: str,
    body: msgspec.Struct,
    answer: type[T],
    *,
    within: timedelta = ANSWER_WITHIN,
) -> T:
    """Ask an endpoint once and return its answer.

    Raises the outcome that the endpoint raised, or `Transient` when nobody answers in time.
    """
    headers = tracing.inject({"content-type": "application/json"})
    try:
        reply = await bus.wire.request(subject, codec.encode(body), headers=headers, within=within)
    except Transient as error:
        what = (
            "no service answers"
            if error.code == NO_RESPONDERS
            else f"no answer in {format_duration(within)}"
        )
        raise Transient(f"{subject}: {what}", code=error.code, cause=Cause.UNREACHABLE) from error
    if ERROR_CODE in reply.headers:
        raise _outcome(reply)
    return codec.decode(reply.data, answer)


class Requests:
    """`request` as a port."""

    def __init__(self, bus: Bus, *, within: timedelta = ANSWER_WITHIN) -> None:
        self._bus = bus
        self._within = within

    async def ask(self, subject: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Return the answer, or raise the outcome that the endpoint raised."""
        return await request(self._bus, subject, body, answer, within=self._within)


async def count_replicas(bus: Bus, service: str, *, within: timedelta = _GATHER) -> int:
    """Count the replicas of `service` that answer a ping, the first of them within that time."""
    return len(set(await gather(bus, f"$SRV.PING.{service}", within=within)))


async def gather(
    bus: Bus, subject: str, body: bytes = b"", *, within: timedelta = _GATHER
) -> list[bytes]:
    """Ask all who hear `subject`, and return what they answer, the first within that time."""
    found: list[bytes] = []
    heard = asyncio.Event()
    inbox = bus.wire.inbox()

    async def note(message: Message) -> None:
        # The server itself answers, with a status, when nobody is there.
        if "Status" not in message.headers:
            found.append(message.data)
        heard.set()

    subscription = await bus.wire.subscribe(inbox, note)
    try:
        await bus.wire.publish(subject, body, reply=inbox)
        wait = within
        while await wait_event(heard, wait) and found:
            heard.clear()
            wait = min(within, _SILENCE)
    finally:
        await subscription.close()
    return found


def _outcome(reply: Message) -> Outcome:
    code = reply.headers.get(ERROR_CODE, "")
    try:
        problem = codec.decode(reply.data, Problem)
    except Rejected:
        problem = Problem(code=code, message=reply.headers.get(ERROR, ""))
    match code:
        case "400":
            return Rejected(
                problem.message, field=problem.field, code=problem.code, cause=_cause(problem)
            )
        case "404":
            return NotFound(problem.message, code=problem.code, cause=_cause(problem))
        case "409":
            return Conflict(problem.message, code=problem.code, cause=_cause(problem))
        case _:
            return Transient(problem.message, code=problem.code, cause=_cause(problem))


def _cause(problem: Problem) -> Cause | None:
    return Cause(problem.cause) if problem.cause in set(Cause) else None
