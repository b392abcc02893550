"""A service as a table of contents: what it hears, when it sweeps, what it answers.

Everything is a typed pair, and every handler is `(message, world)`; `open` makes the world.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import msgspec

from spawn.bus import codec
from spawn.bus.cloudevents import decode_event
from spawn.bus.consume import Delivery
from spawn.bus.dead import Undeliverable
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.message import Message
from spawn.bus.ports import Buried, Command, Due, Fact, Reported, Request
from spawn.bus.schedules import timer_of
from spawn.contracts.events import EventData, event_name
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import LOCAL_OWNER
from spawn.contracts.reports import Report
from spawn.errors import Rejected
from spawn.runtime.context import Context

T = TypeVar("T")
W = TypeVar("W")
S = TypeVar("S", bound=msgspec.Struct)

_OWNER_TOKEN = 4


@dataclass(frozen=True, kw_only=True)
class CommandRoute(Generic[W]):
    """One verb, what is done with a message of it, and who is told of one put aside."""

    verb: str
    handle: Callable[[Delivery, W], Awaitable[None]]
    mourn: Callable[[Delivery, Undeliverable, W], Awaitable[None]] | None = None


@dataclass(frozen=True, kw_only=True)
class FactRoute(Generic[W]):
    """Kinds of events (`array.ready`), under the name of their durable consumer."""

    name: str
    kinds: tuple[str, ...]
    handle: Callable[[Delivery, W], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class ReportRoute(Generic[W]):
    """Kinds of machines' reports (`job.exited`), under the name of their durable consumer."""

    name: str
    kinds: tuple[str, ...]
    handle: Callable[[Delivery, W], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class DueRoute(Generic[W]):
    """Timers named `<array>.<what>` that are due, under the name of their durable consumer.

    `slots` are handled side by side.
    """

    name: str
    what: str
    slots: int
    handle: Callable[[Delivery, W], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class EndpointRoute(Generic[W]):
    """One verb of `spawn.api.<service>`, wildcards behind it allowed."""

    verb: str
    answer: Callable[[Message, W], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Timer(Generic[W]):
    """What is done again and again; `interval` may look at the settings."""

    name: str
    interval: Callable[[Any], timedelta]
    handle: Callable[[W], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Background(Generic[W]):
    """What runs as long as the service does."""

    name: str
    work: Callable[[W], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Service(Generic[S, W]):
    """One service. `open` makes its world from a `Context`, and closes it."""

    name: str
    settings: type[S]
    open: Callable[[Context[S]], AbstractAsyncContextManager[W]]
    routes: tuple[CommandRoute[W] | FactRoute[W] | ReportRoute[W] | DueRoute[W], ...] = ()
    timers: tuple[Timer[W], ...] = ()
    endpoints: tuple[EndpointRoute[W], ...] = ()
    background: tuple[Background[W], ...] = ()


AnyService = Service[Any, Any]


def command(
    verb: str,
    kind: type[T],
    handler: Callable[[Command[T], W], Awaitable[None]],
    *,
    on_buried: Callable[[Buried, W], Awaitable[None]] | None = None,
) -> CommandRoute[W]:
    """Hear `spawn.cmd.<service>.<verb>[.<owner>]`.

    A command that fails its schema or crashes its handler is put aside as a dead letter; then
    `on_buried` hears of it, for its sender to be told.
    """

    async def handle(delivery: Delivery, world: W) -> None:
        try:
            body = codec.decode(delivery.message.data, kind)
        except Rejected as rejection:
            raise Undeliverable(
                rejection.message, code="schema", field=rejection.field
            ) from rejection
        await handler(_command(delivery, body), world)

    if on_buried is None:
        return CommandRoute(verb=verb, handle=handle)

    async def mourn(delivery: Delivery, why: Undeliverable, world: W) -> None:
        await on_buried(_buried(delivery, why), world)

    return CommandRoute(verb=verb, handle=handle, mourn=mourn)


def fact(
    kinds: tuple[type[EventData], ...],
    handler: Callable[[Fact, W], Awaitable[None]],
    *,
    name: str,
) -> FactRoute[W]:
    """Hear events of these kinds, from when the service first ran; each is settled by one replica.

    `name` names the durable consumer within the service and must not change.
    """

    async def handle(delivery: Delivery, world: W) -> None:
        message = delivery.message
        try:
            event = decode_event(message.headers, message.subject, message.data)
        except Rejected as rejection:
            raise Undeliverable(rejection.message, code="schema") from rejection
        place = delivery.place
        await handler(Fact(event=event, sequence=place.sequence, delivered=place.delivered), world)

    return FactRoute(name=name, kinds=tuple(event_name(kind) for kind in kinds), handle=handle)


def reported(
    kinds: Mapping[str, type[Report]],
    handler: Callable[[Reported[Report], W], Awaitable[None]],
    *,
    name: str,
) -> ReportRoute[W]:
    """Hear `spawn.agent.<array>.<instance>.<kind>`; each report is settled by one replica."""

    async def handle(delivery: Delivery, world: W) -> None:
        message = delivery.message
        _, _, array_id, instance_id, *kind = message.subject.split(".")
        try:
            report = codec.decode(message.data, kinds[".".join(kind)])
        except Rejected as rejection:
            raise Undeliverable(rejection.message, code="schema") from rejection
        said = Reported(
            report=report,
            array_id=ArrayId(array_id),
            instance_id=InstanceId(instance_id),
            sequence=delivery.place.sequence,
        )
        await handler(said, world)

    return ReportRoute(name=name, kinds=tuple(kinds), handle=handle)


def due(
    what: str,
    kind: type[T],
    handler: Callable[[Due[T], W], Awaitable[None]],
    *,
    name: str,
    slots: int,
) -> DueRoute[W]:
    """Hear of timers `<array>.<what>` that are due; each is settled by one replica."""

    async def handle(delivery: Delivery, world: W) -> None:
        message = delivery.message
        try:
            body = codec.decode(message.data, kind)
        except Rejected as rejection:
            raise Undeliverable(rejection.message, code="schema") from rejection
        await handler(Due(timer=timer_of(message.subject), body=body), world)

    return DueRoute(name=name, what=what, slots=slots, handle=handle)


def endpoint(
    verb: str, kind: type[T], handler: Callable[[Request[T], W], Awaitable[msgspec.Struct]]
) -> EndpointRoute[W]:
    """Answer on `spawn.api.<service>.<verb>`; outcomes that `handler` raises reach the caller."""

    async def answer(message: Message, world: W) -> bytes:
        body = codec.decode(message.data, kind)
        request = Request(body=body, subject=message.subject, headers=message.headers)
        return codec.encode(await handler(request, world))

    return EndpointRoute(verb=verb, answer=answer)


def every(
    interval: timedelta | Callable[[S], timedelta],
    handler: Callable[[W], Awaitable[None]],
    *,
    name: str,
) -> Timer[W]:
    """Run `handler` at once and then every `interval` after it has ended."""

    def chosen(settings: S) -> timedelta:
        return interval if isinstance(interval, timedelta) else interval(settings)

    return Timer(name=name, interval=chosen, handle=handler)


def background(work: Callable[[W], Awaitable[None]], *, name: str) -> Background[W]:
    """Run `work` beside the routes; when it returns or raises, again after a growing wait."""
    return Background(name=name, work=work)


def owner_of(subject: str) -> str:
    """Return the bus user that a command's subject names; what its body says does not count."""
    tokens = subject.split(".")
    return tokens[_OWNER_TOKEN] if len(tokens) > _OWNER_TOKEN else LOCAL_OWNER


def verb_of(subject: str) -> str:
    """Return the verb of a command's subject; empty when it has more tokens than it may."""
    tokens = subject.split(".")
    return tokens[_OWNER_TOKEN - 1] if _OWNER_TOKEN <= len(tokens) <= _OWNER_TOKEN + 1 else ""


def _command(delivery: Delivery, body: T) -> Command[T]:
    message = delivery.message
    return Command(
        body=body,
        subject=message.subject,
        owner=owner_of(message.subject),
        message_id=message.headers.get(MESSAGE_ID, ""),
        delivered=delivery.place.delivered,
        sent_at=delivery.place.stored_at,
        headers=message.headers,
    )


def _buried(delivery: Delivery, why: Undeliverable) -> Buried:
    message = delivery.message
    rejection = Rejected(why.reason, field=why.field, code=why.code)
    return Buried(
        subject=message.subject,
        owner=owner_of(message.subject),
        body=message.data,
        message_id=message.headers.get(MESSAGE_ID, ""),
        rejection=rejection,
    )
