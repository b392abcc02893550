"""Reading what machines have reported: output of an exec, ends of jobs, armed leases."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TypeVar

from spawn.bus import codec, metrics
from spawn.bus.connection import Bus
from spawn.bus.ordered import Record, Source, read
from spawn.bus.ports import CaughtUp, Reported
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.reports import (
    STREAM,
    CheckpointLost,
    ExecOutput,
    Heartbeat,
    JobExited,
    Report,
    report_subject,
)
from spawn.errors import Rejected
from spawn.telemetry.log import get_logger

R = TypeVar("R", bound=Report)

_log = get_logger(__name__)


async def follow_exec(
    bus: Bus, array_id: ArrayId, exec_id: str
) -> AsyncGenerator[Reported[ExecOutput]]:
    """Yield what machines answer to an exec, from the first on, in order for each machine.

    Ends only by being closed; raises `Transient` when the connection is closed for good.
    """
    subject = report_subject(array_id, "*", f"exec.{exec_id}")
    async with aclosing(read(bus, Source(stream=STREAM, filters=(subject,)))) as items:
        async for item in items:
            if isinstance(item, Record) and (said := _decode(item, ExecOutput)) is not None:
                yield said


class Heartbeats:
    """What all machines say of their work."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def follow(self) -> AsyncGenerator[Reported[Heartbeat]]:
        """Yield each machine's last heartbeat, and those that follow."""
        return follow_heartbeats(self._bus, ArrayId("*"))


async def follow_heartbeats(bus: Bus, array_id: ArrayId) -> AsyncGenerator[Reported[Heartbeat]]:
    """Yield each machine's last heartbeat, and those that follow; of all arrays for `*`.

    Ends only by being closed; raises `Transient` when the connection is closed for good.
    """
    subject = report_subject(array_id, "*", "heartbeat")
    source = Source(stream=STREAM, filters=(subject,), deliver="last_per_subject")
    async with aclosing(read(bus, source)) as items:
        async for item in items:
            if isinstance(item, Record) and (said := _decode(item, Heartbeat)) is not None:
                yield said


async def last_exits(
    bus: Bus, array_id: ArrayId, instances: Iterable[InstanceId]
) -> dict[InstanceId, JobExited]:
    """Return what these machines last reported of their job's end; who said nothing is left out.

    Raises `Transient` when the connection is closed for good.
    """
    return await _last(bus, _subjects(array_id, instances, "job.exited"), JobExited)


async def last_lost_checkpoints(
    bus: Bus, array_id: ArrayId, instances: Iterable[InstanceId]
) -> dict[InstanceId, CheckpointLost]:
    """Return what these machines last reported of a checkpoint that failed.

    Raises `Transient` when the connection is closed for good.
    """
    return await _last(bus, _subjects(array_id, instances, "checkpoint.failed"), CheckpointLost)


def _subjects(array_id: ArrayId, instances: Iterable[InstanceId], report: str) -> tuple[str, ...]:
    return tuple(report_subject(array_id, each, report) for each in instances)


async def _last(bus: Bus, filters: tuple[str, ...], kind: type[R]) -> dict[InstanceId, R]:
    found: dict[InstanceId, R] = {}
    if not filters:
        return found
    source = Source(stream=STREAM, filters=filters, deliver="last_per_subject")
    async with aclosing(read(bus, source)) as items:
        async for item in items:
            if isinstance(item, CaughtUp):
                break
            if isinstance(item, Record) and (said := _decode(item, kind)) is not None:
                found[said.instance_id] = said.report
    return found


def _decode(record: Record, kind: type[R]) -> Reported[R] | None:
    message = record.message
    _, _, array_id, instance_id, *_ = message.subject.split(".")
    try:
        report = codec.decode(message.data, kind)
    except Rejected as error:
        metrics.UNREADABLE.labels(STREAM).inc()
        _log.warning("not a report", subject=message.subject, error=error.message)
        return None
    return Reported(
        report=report,
        array_id=ArrayId(array_id),
        instance_id=InstanceId(instance_id),
        sequence=record.place.sequence,
    )
