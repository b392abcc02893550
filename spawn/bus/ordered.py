"""Reading a stream in order, once each, across lost connections and lost consumers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import msgspec

from spawn.bus.backoff import delays
from spawn.bus.connection import Bus
from spawn.bus.message import Message
from spawn.bus.ports import CaughtUp, Restarted
from spawn.bus.pulling import Interrupted, Place, Pull, place, pulling
from spawn.bus.streams import nanoseconds
from spawn.errors import NotFound, Transient

_SLOTS = 500
_INACTIVE = timedelta(seconds=30)
"""How long a server keeps a consumer that nobody reads from: short, as each reading leaves one
and nats-server 2.15 refuses more than a thousand on a stream. A missed one is made again."""

_FIRST_DELAY = timedelta(milliseconds=50)
_LONGEST_DELAY = timedelta(seconds=1)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What to read. `deliver` is JetStream's deliver policy; `since` is for `by_start_time`.

    Of a stream that was read before, only what stands behind the sequence `after` comes.
    """

    stream: str
    filters: tuple[str, ...]
    deliver: str = "all"
    since: datetime | None = None
    after: int = 0


class Record(msgspec.Struct, frozen=True):
    """A message and its place."""

    message: Message
    place: Place


Item = Record | CaughtUp | Restarted


class _State(msgspec.Struct, frozen=True):
    last_seq: int = 0


class _StreamInfo(msgspec.Struct, frozen=True):
    created: str
    state: _State


class _ConsumerInfo(msgspec.Struct, frozen=True):
    name: str
    num_pending: int = 0


class _Reading:
    """How far one reading has come."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.origin = ""
        self.last = source.after or -1
        self.expected = 1
        self.consumer = ""
        self.is_caught_up = False

    def config(self) -> dict[str, Any]:
        """Return the consumer that goes on where the reading is."""
        config: dict[str, Any] = {
            "ack_policy": "none",
            "filter_subjects": list(self.source.filters),
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": nanoseconds(_INACTIVE),
            "deliver_policy": self.source.deliver,
        }
        if self.last >= 0:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self.last + 1}
        elif self.source.since is not None:
            config |= {"opt_start_time": self.source.since.isoformat()}
        return config

    def take(self, where: Place) -> bool:
        """Note a message's place; say whether it is the next one of this consumer."""
        if where.consumer != self.consumer or where.consumer_sequence != self.expected:
            return False
        self.expected += 1
        self.last = where.sequence
        return True


async def read(bus: Bus, source: Source) -> AsyncGenerator[Item]:
    """Yield each message in order, `CaughtUp` once what existed has been yielded, and go on.

    `Restarted` comes when the stream itself was lost and made anew: what follows is all of it.
    Raises `Transient` only when the connection is closed for good.
    """
    reading = _Reading(source)
    waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
    async with pulling(bus, stream=source.stream, slots=_SLOTS) as pull:
        while True:
            try:
                await bus.until_connected()
                is_anew, pending = await _begin(bus, reading)
            except (Transient, NotFound):
                await bus.clock.sleep(next(waits))
                if bus.closed.is_set():
                    raise
                continue
            if is_anew:
                yield Restarted()
            if pending == 0 and not reading.is_caught_up:
                reading.is_caught_up = True
                yield CaughtUp()
            pull.start(reading.consumer)
            async with aclosing(_flow(pull, reading)) as flow:
                async for item in flow:
                    waits = delays(_FIRST_DELAY, _LONGEST_DELAY)
                    yield item
            await bus.clock.sleep(next(waits))


async def _begin(bus: Bus, reading: _Reading) -> tuple[bool, int]:
    stream = reading.source.stream
    info = await bus.js.call(f"STREAM.INFO.{stream}", answer=_StreamInfo, subject=stream)
    is_anew = bool(reading.origin) and info.created != reading.origin
    if is_anew:
        reading.last = -1
        reading.is_caught_up = False
    reading.origin = info.created
    if reading.last < 0 and reading.source.deliver == "new":
        # Nothing stored from here on may be missed, even if the consumer is lost before it.
        reading.last = info.state.last_seq
    made = await bus.js.call(
        f"CONSUMER.CREATE.{stream}",
        {"stream_name": stream, "config": reading.config()},
        answer=_ConsumerInfo,
        subject=stream,
    )
    reading.consumer = made.name
    reading.expected = 1
    return is_anew, made.num_pending


async def _flow(pull: Pull, reading: _Reading) -> AsyncGenerator[Item]:
    while True:
        try:
            message = await pull.next()
        except Interrupted:
            return
        if message is None:
            return
        pull.done()
        where = place(message)
        if where.consumer != reading.consumer:
            continue
        if not reading.take(where):
            return
        yield Record(message, where)
        if where.pending == 0 and not reading.is_caught_up:
            reading.is_caught_up = True
            yield CaughtUp()
