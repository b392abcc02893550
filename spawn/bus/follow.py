"""Following events in order, from any point, across reconnects."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from spawn.bus import metrics
from spawn.bus.cloudevents import decode_event
from spawn.bus.connection import Bus
from spawn.bus.ordered import Record, Source, read
from spawn.bus.ports import CaughtUp, Followed
from spawn.bus.streams import EVENTS
from spawn.contracts.events import SUBJECTS
from spawn.contracts.ids import ArrayId
from spawn.errors import Rejected
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


def of_array(array_id: ArrayId) -> str:
    """Return the filter for one array's events."""
    return f"spawn.evt.{array_id}.>"


def from_first(subject: str = SUBJECTS) -> Source:
    """Follow what matches `subject` from the first message that the stream still has."""
    return Source(stream=EVENTS, filters=(subject,))


def from_now(subject: str = SUBJECTS) -> Source:
    """Follow what is stored from now on."""
    return Source(stream=EVENTS, filters=(subject,), deliver="new")


async def follow(bus: Bus, source: Source) -> AsyncGenerator[Followed | CaughtUp]:
    """Yield each event once and in order, `CaughtUp` once what existed has been yielded.

    Messages that are no events of ours are counted and left out. Ends only by being closed;
    raises `Transient` when the connection is closed for good.
    """
    async with aclosing(read(bus, source)) as items:
        async for item in items:
            if isinstance(item, CaughtUp):
                yield item
            elif isinstance(item, Record):
                followed = _decode(item)
                if followed is not None:
                    yield followed


def _decode(record: Record) -> Followed | None:
    message = record.message
    try:
        event = decode_event(message.headers, message.subject, message.data)
    except Rejected as error:
        metrics.UNREADABLE.labels(EVENTS).inc()
        _log.warning("not an event", subject=message.subject, error=error.message)
        return None
    return Followed(event, message.headers, record.place.sequence)
