"""W3C trace context: carried by headers, so that one trace shows a launch end to end."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, Tracer


def configure(service: str) -> None:
    """Make spans of this process real; where they go is for an exporter to say."""
    # The SDK takes a while to import and commands never need it.
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above

    resource = Resource.create({"service.name": service, "service.namespace": "spawn"})
    trace.set_tracer_provider(TracerProvider(resource=resource, shutdown_on_exit=False))


def inject(headers: Mapping[str, str]) -> dict[str, str]:
    """Return `headers` with the current trace in them."""
    carrier = dict(headers)
    propagate.inject(carrier)
    return carrier


@cache
def _tracer() -> Tracer:
    # Once: the SDK makes a tracer anew each time that it is asked for one.
    return trace.get_tracer("spawn")


@contextmanager
def span(name: str, *, carrier: Mapping[str, str] | None = None) -> Generator[Span]:
    """Run the block inside a span, a child of the trace in `carrier` where there is one."""
    parent = propagate.extract(carrier) if carrier is not None else None
    token = context.attach(parent) if parent is not None else None
    try:
        with _tracer().start_as_current_span(name) as current:
            yield current
    finally:
        if token is not None:
            context.detach(token)
