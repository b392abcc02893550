"""The launcher's settings, read from `SPAWN_LAUNCHER_…` and `SPAWN_…`."""

from datetime import timedelta
from typing import Annotated

import msgspec

from spawn.contracts.durations import format_duration
from spawn.contracts.ranks import MOST_MEMBERS
from spawn.errors import Rejected


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set for the launcher, each as `SPAWN_<FIELD>`."""

    regions: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Regions that are swept even when no record names them, with commas."
        ),
    ] = ()
    max_count: Annotated[
        int, msgspec.Meta(ge=1, le=MOST_MEMBERS, description="Largest array.")
    ] = 5000
    chunk_size: Annotated[
        int, msgspec.Meta(ge=1, le=100, description="Instances asked for by one call.")
    ] = 100
    default_ttl: Annotated[
        timedelta, msgspec.Meta(description="Lease of a launch without --ttl.")
    ] = timedelta(hours=8)
    max_ttl: Annotated[timedelta, msgspec.Meta(description="Longest lease.")] = timedelta(days=7)
    allow_no_ttl: Annotated[
        bool, msgspec.Meta(description="Whether a launch may ask for machines without an end.")
    ] = False
    default_instance_type: Annotated[
        str, msgspec.Meta(description="Type of a launch without --instance-type.")
    ] = "t3.medium"
    bus_advertise: Annotated[
        str,
        msgspec.Meta(
            description="Address at which machines on AWS reach the bus, tls://host:port."
        ),
    ] = ""
    agent_file: Annotated[
        str, msgspec.Meta(description="Path of the machines' agent; none: machines run nothing.")
    ] = ""
    machine_bus_url: Annotated[
        str,
        msgspec.Meta(description="Where machines reach the bus, when not at SPAWN_BUS_ADVERTISE."),
    ] = ""
    bus_fingerprint: Annotated[
        str, msgspec.Meta(description="SHA-256 of the bus's certificate, which machines pin.")
    ] = ""
    dns_backend: Annotated[
        str,
        msgspec.Meta(
            description="Where the DNS service writes names; unless it is none, launches are"
            " refused whose machines' names others have."
        ),
    ] = "none"
    pool_memory: Annotated[
        timedelta, msgspec.Meta(description="How long a pool without capacity is tried last.")
    ] = timedelta(minutes=3)
    pending_poll: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at instances in transition.")
    ] = timedelta(seconds=0.4)
    full_sweep: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at all instances.")
    ] = timedelta(seconds=30)
    keep_records: Annotated[
        timedelta, msgspec.Meta(description="How long the record of an ended array is kept.")
    ] = timedelta(days=1)

    def __post_init__(self) -> None:
        if self.default_ttl > self.max_ttl:
            default, longest = format_duration(self.default_ttl), format_duration(self.max_ttl)
            raise Rejected(
                f"SPAWN_DEFAULT_TTL={default} is longer than SPAWN_MAX_TTL={longest}:"
                " lower the one or raise the other",
                field="SPAWN_DEFAULT_TTL",
            )
