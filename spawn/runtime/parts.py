"""The parts of a service at work: its consumers, timers, endpoints and background."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from spawn.bus.consume import Consumer, Delivery, Handler, Mourner, consume
from spawn.bus.dead import Undeliverable
from spawn.bus.endpoints import Endpoint
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.message import Message
from spawn.bus.schedules import due_subject
from spawn.bus.streams import COMMANDS, EVENTS, TIMERS
from spawn.clock import wait_event
from spawn.contracts import reports
from spawn.runtime import metrics
from spawn.runtime.context import Context
from spawn.runtime.service import (
    CommandRoute,
    DueRoute,
    EndpointRoute,
    FactRoute,
    ReportRoute,
    Service,
    Timer,
    verb_of,
)
from spawn.telemetry import log, tracing

W = TypeVar("W")

Work = Callable[[], Awaitable[None]]

_LONGEST_ID = 64


def takers(
    service: Service[Any, W], context: Context[Any], world: W, *, stop: asyncio.Event
) -> dict[str, Work]:
    """Return what takes work in, by name: consumers and timers. Each ends when `stop` is set."""
    parts: dict[str, Work] = {}
    commands = [route for route in service.routes if isinstance(route, CommandRoute)]
    if commands:
        consumer, handler, mourner = _command_consumer(service.name, commands, world)
        parts[f"{service.name} commands"] = _consuming(
            context, consumer, handler, on_buried=mourner, stop=stop
        )
    for route in service.routes:
        if not isinstance(route, CommandRoute):
            consumer, handler = _stream_consumer(service.name, route, world)
            parts[f"{service.name} {route.name}"] = _consuming(
                context, consumer, handler, stop=stop
            )
    for timer in service.timers:
        parts[f"{service.name} {timer.name}"] = _ticking(timer, context, world, stop=stop)
    return parts


def backgrounds(service: Service[Any, W], world: W) -> dict[str, Work]:
    """Return what runs beside it all, by name; it is cancelled once nothing more is taken in."""
    return {f"{service.name} {each.name}": _bound(each.work, world) for each in service.background}


def endpoints(service: Service[Any, W], world: W) -> tuple[Endpoint, ...]:
    """Return the service's endpoints."""
    return tuple(_endpoint(service.name, route, world) for route in service.endpoints)


def _bound(work: Callable[[W], Awaitable[None]], world: W) -> Work:
    async def run() -> None:
        await work(world)

    return run


def _consuming(
    context: Context[Any],
    consumer: Consumer,
    handler: Handler,
    *,
    on_buried: Mourner | None = None,
    stop: asyncio.Event,
) -> Work:
    async def run() -> None:
        await consume(context.bus, consumer, handler, on_buried=on_buried, stop=stop)

    return run


def _command_consumer(
    service: str, routes: list[CommandRoute[W]], world: W
) -> tuple[Consumer, Handler, Mourner]:
    by_verb = {route.verb: route for route in routes}

    async def handle(delivery: Delivery) -> None:
        message = delivery.message
        route = by_verb.get(verb_of(message.subject))
        if route is None:
            raise Undeliverable(f"{service} knows {', '.join(sorted(by_verb))}", code="verb")
        request_id = message.headers.get(MESSAGE_ID, "")[:_LONGEST_ID]
        with (
            log.bind(request=request_id),
            tracing.span(f"{service} {route.verb}", carrier=message.headers),
        ):
            await route.handle(delivery, world)

    async def mourn(delivery: Delivery, why: Undeliverable) -> None:
        route = by_verb.get(verb_of(delivery.message.subject))
        if route is not None and route.mourn is not None:
            await route.mourn(delivery, why, world)

    filters = (f"spawn.cmd.{service}.>",)
    return Consumer(stream=COMMANDS, durable=service, filters=filters), handle, mourn


def _stream_consumer(
    service: str, route: FactRoute[W] | ReportRoute[W] | DueRoute[W], world: W
) -> tuple[Consumer, Handler]:
    async def handle(delivery: Delivery) -> None:
        with tracing.span(f"{service} {route.name}", carrier=delivery.message.headers):
            await route.handle(delivery, world)

    durable = f"{service}-{route.name}"
    if isinstance(route, DueRoute):
        filters = (due_subject(f"*.{route.what}"),)
        due = Consumer(stream=TIMERS, durable=durable, filters=filters, slots=route.slots)
        return due, handle
    is_fact = isinstance(route, FactRoute)
    prefix = "spawn.evt.*" if is_fact else "spawn.agent.*.*"
    consumer = Consumer(
        stream=EVENTS if is_fact else reports.STREAM,
        durable=durable,
        filters=tuple(f"{prefix}.{kind}" for kind in route.kinds),
        deliver="new" if is_fact else "all",
    )
    return consumer, handle


def _endpoint(service: str, route: EndpointRoute[W], world: W) -> Endpoint:
    async def answer(message: Message) -> bytes:
        with tracing.span(f"{service} {route.verb}", carrier=message.headers):
            return await route.answer(message, world)

    # The name of a micro service's endpoint has no dots or wildcards.
    name = route.verb.split(".")[0]
    return Endpoint(name=name, subject=f"spawn.api.{service}.{route.verb}", answer=answer)


def _ticking(timer: Timer[W], context: Context[Any], world: W, *, stop: asyncio.Event) -> Work:
    interval: timedelta = timer.interval(context.settings)
    clock = context.clock
    label = f"{context.service} {timer.name}"
    metrics.TIMER_ERRORS.labels(label)  # at zero from its start on

    async def run() -> None:
        while not stop.is_set():
            started = clock.monotonic()
            try:
                with tracing.span(label):
                    await timer.handle(world)
            except Exception:
                metrics.TIMER_ERRORS.labels(label).inc()
                raise
            metrics.TIMER_SECONDS.labels(label).observe(clock.monotonic() - started)
            await wait_event(stop, interval)

    return run
