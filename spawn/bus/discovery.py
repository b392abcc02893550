"""The `$SRV` side of a micro service: what it says when asked who is there.

(https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md)
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.message import Message
from spawn.errors import Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_TYPE = "io.nats.micro.v1"


class EndpointStats(msgspec.Struct, kw_only=True):
    """What an endpoint has done; times in nanoseconds, as the specification has them."""

    name: str
    subject: str
    queue_group: str
    num_requests: int = 0
    num_errors: int = 0
    last_error: str = ""
    processing_time: int = 0
    average_processing_time: int = 0

    def note(self, took: timedelta, *, failed_with: str) -> None:
        """Count one request."""
        self.num_requests += 1
        self.processing_time += round(took.total_seconds() * 1e9)
        self.average_processing_time = self.processing_time // self.num_requests
        if failed_with:
            self.num_errors += 1
            self.last_error = failed_with


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it describes itself."""

    name: str
    id: str
    version: str
    started: datetime
    stats: list[EndpointStats]

    def ping(self) -> dict[str, Any]:
        """Return the answer to a ping."""
        return self._answer("ping")

    def info(self) -> dict[str, Any]:
        """Return the answer that lists the endpoints."""
        endpoints = [
            {"name": each.name, "subject": each.subject, "queue_group": each.queue_group}
            for each in self.stats
        ]
        return {**self._answer("info"), "description": "", "endpoints": endpoints}

    def statistics(self) -> dict[str, Any]:
        """Return the answer with what each endpoint has done."""
        return {**self._answer("stats"), "started": self.started, "endpoints": self.stats}

    def _answer(self, kind: str) -> dict[str, Any]:
        return {
            "type": f"{_TYPE}.{kind}_response",
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "metadata": {},
        }


@asynccontextmanager
async def discoverable(bus: Bus, description: Description) -> AsyncGenerator[None]:
    """Answer `$SRV.PING|INFO|STATS[.<name>[.<id>]]` for the length of the block."""
    answers = {
        "PING": description.ping,
        "INFO": description.info,
        "STATS": description.statistics,
    }
    suffixes = ("", f".{description.name}", f".{description.name}.{description.id}")

    async def answer(message: Message) -> None:
        verb = message.subject.split(".")[1]
        try:
            await bus.wire.publish(message.reply, codec.encode(answers[verb]()))
        except Transient:
            _log.debug("discovery answer lost", verb=verb)

    async with AsyncExitStack() as stack:
        for verb in answers:
            for suffix in suffixes:
                subscription = await bus.wire.subscribe(f"$SRV.{verb}{suffix}", answer)
                stack.push_async_callback(subscription.close)
        yield
