"""The streams and buckets, as a table, and their making."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from spawn.bus.connection import Bus
from spawn.contracts import (
    arrays,
    events,
    grants,
    hostnames,
    launches,
    lease_records,
    logs,
    members,
    notices,
    reports,
)
from spawn.errors import Conflict, NotFound

COMMANDS = "SPAWN_COMMANDS"
EVENTS = events.STREAM
DEAD = "SPAWN_DEAD"
TIMERS = "SPAWN_TIMERS"
FENCES_BUCKET = "spawn-fences"
NONCES_BUCKET = "spawn-nonces"

BUCKETS = (
    arrays.BUCKET,
    members.BUCKET,
    launches.SPECS_BUCKET,
    grants.BUCKET,
    hostnames.BUCKET,
    lease_records.BUCKET,
    notices.BUCKET,
    FENCES_BUCKET,
    NONCES_BUCKET,
)

_LARGEST_COMMAND_MESSAGE = 768 * 1024
LARGEST_COMMAND = _LARGEST_COMMAND_MESSAGE - 4 * 1024
"""Bytes of a command's body: 512 KiB of texts, written as JSON, and the rest."""

_MOST_LOG_BYTES = 8 * 1024**3
"""Bytes of output that are kept, the oldest given up first."""

_DUPLICATES = timedelta(minutes=30)
_BUCKET_DUPLICATES = timedelta(minutes=2)


class StreamConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream as JetStream's API takes it; durations in nanoseconds, sizes in bytes."""

    name: str
    description: str
    subjects: list[str]
    num_replicas: int
    duplicate_window: int
    retention: str = ""
    discard: str = ""
    max_age: int = 0
    max_msg_size: int = 0
    max_bytes: int = 0
    max_msgs_per_subject: int = 0
    allow_direct: bool = False
    allow_msg_ttl: bool = False
    allow_rollup_hdrs: bool = False
    allow_msg_schedules: bool = False
    deny_delete: bool = False


class _StreamInfo(msgspec.Struct, frozen=True):
    config: dict[str, Any]


def nanoseconds(duration: timedelta) -> int:
    """Return a duration as JetStream writes them."""
    return round(duration.total_seconds() * 1e9)


def table(replicas: int) -> tuple[StreamConfig, ...]:
    """Return every stream and bucket, with that many copies of each."""
    return (
        StreamConfig(
            name=COMMANDS,
            description="Commands until their effect is recorded",
            subjects=["spawn.cmd.>"],
            retention="workqueue",
            max_age=nanoseconds(timedelta(days=7)),
            max_msg_size=_LARGEST_COMMAND_MESSAGE,
            duplicate_window=nanoseconds(_DUPLICATES),
            num_replicas=replicas,
        ),
        StreamConfig(
            name=EVENTS,
            description="Facts: the public contract",
            subjects=[events.SUBJECTS],
            max_age=nanoseconds(timedelta(days=30)),
            duplicate_window=nanoseconds(_DUPLICATES),
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name=reports.STREAM,
            description="What machines say",
            subjects=[reports.SUBJECTS],
            max_age=nanoseconds(timedelta(days=1)),
            max_msg_size=_LARGEST_COMMAND_MESSAGE,
            duplicate_window=nanoseconds(_DUPLICATES),
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name=logs.STREAM,
            description="Output of jobs",
            subjects=[logs.SUBJECTS],
            max_age=nanoseconds(timedelta(days=3)),
            max_bytes=_MOST_LOG_BYTES,
            max_msg_size=4 * logs.LARGEST_BLOCK,
            duplicate_window=nanoseconds(_DUPLICATES),
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name=TIMERS,
            # No age: a timer must outlive whatever it is set for.
            description="Timers, and those that are due",
            subjects=["spawn.timer.>", "spawn.due.>"],
            duplicate_window=nanoseconds(_DUPLICATES),
            allow_direct=True,
            allow_msg_ttl=True,
            allow_rollup_hdrs=True,
            allow_msg_schedules=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name=DEAD,
            description="Messages that could not be handled",
            subjects=["spawn.dead.>"],
            max_age=nanoseconds(timedelta(days=30)),
            duplicate_window=nanoseconds(_DUPLICATES),
            num_replicas=replicas,
        ),
        *(_bucket(name, replicas) for name in BUCKETS),
    )


def _bucket(name: str, replicas: int) -> StreamConfig:
    # A marker TTL of the stream is left out: with one, an expired key can't be created again
    # until its marker is gone, and reads as a record without a value.
    return StreamConfig(
        name=f"KV_{name}",
        description="Key-value bucket",
        subjects=[f"$KV.{name}.>"],
        discard="new",
        max_msgs_per_subject=1,
        duplicate_window=nanoseconds(_BUCKET_DUPLICATES),
        allow_direct=True,
        allow_msg_ttl=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
        num_replicas=replicas,
    )


async def ensure(bus: Bus, *, replicas: int = 1) -> None:
    """Make what is missing and correct what differs; the same from several replicas at once."""
    for config in table(replicas):
        await _ensure(bus, config)


async def _ensure(bus: Bus, config: StreamConfig) -> None:
    wanted: dict[str, Any] = msgspec.to_builtins(config)
    try:
        current = await _current(bus, config.name)
    except NotFound:
        try:
            await bus.js.call(f"STREAM.CREATE.{config.name}", wanted, answer=_StreamInfo)
        except Conflict:
            # Another replica, perhaps of another version, was faster.
            current = await _current(bus, config.name)
        else:
            return
    if _differs(current, wanted):
        await bus.js.call(
            f"STREAM.UPDATE.{config.name}", {**current, **wanted}, answer=_StreamInfo
        )


async def _current(bus: Bus, name: str) -> dict[str, Any]:
    info = await bus.js.call(f"STREAM.INFO.{name}", answer=_StreamInfo, subject=name)
    return info.config


def _differs(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(current.get(key) != value for key, value in wanted.items())
