"""What a service is given when it is opened."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

import msgspec

from spawn.bus.connection import Bus
from spawn.bus.identity import new_id
from spawn.clock import Clock

S_co = TypeVar("S_co", covariant=True)


class LogLevel(StrEnum):
    """What is written to the log: lines of this level and above."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class RuntimeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The process that hosts services."""

    deployment: Annotated[
        str, msgspec.Meta(description="Name of this deployment: whose machines are ours")
    ] = "default"
    replica: Annotated[
        str,
        msgspec.Meta(
            description="Name of this process among the replicas, the same after a restart;"
            " empty for a new one each time"
        ),
    ] = ""
    http_host: Annotated[str, msgspec.Meta(description="Where health and metrics listen")] = (
        "127.0.0.1"
    )
    http_port: Annotated[
        int, msgspec.Meta(description="Port of health and metrics; 0 for a free one")
    ] = 0
    run_file: Annotated[
        str,
        msgspec.Meta(description="Path to which name, pid and URLs are written as JSON"),
    ] = ""
    drain: Annotated[
        timedelta,
        msgspec.Meta(description="How long handlers may take to end when the process is stopped"),
    ] = timedelta(seconds=8)
    log_level: Annotated[
        LogLevel, msgspec.Meta(description="DEBUG, INFO, WARNING, ERROR or CRITICAL")
    ] = LogLevel.INFO

    def replica_id(self) -> str:
        """Return the replica's name, a new one when none is set."""
        return self.replica or new_id()


class Context(msgspec.Struct, Generic[S_co], frozen=True, kw_only=True):
    """The process' connection, clock and settings, and who the service is.

    `stopping` says whether the process is being ended.
    """

    bus: Bus
    settings: S_co
    clock: Clock
    service: str
    deployment: str
    replica: str
    stopping: Callable[[], bool]
