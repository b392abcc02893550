"""Launch and terminate: the commands, and what a launch may say."""

from datetime import datetime, timedelta

import msgspec

from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.leases import Lease
from spawn.contracts.pools import Pool

SUBJECT_LAUNCH = "spawn.cmd.launcher.launch"
SUBJECT_TERMINATE = "spawn.cmd.launcher.terminate"

API_PLAN = "spawn.api.launcher.plan"
API_COLLECT = "spawn.api.launcher.collect"

SPECS_BUCKET = "spawn-specs"
"""Key-value bucket of `JobSpec`, keyed `<array>`; readable by the launcher alone."""

LOCAL_OWNER = "cli"
"""The owner of commands whose subject names none: the one user of an embedded bus."""

NOT_AFTER = timedelta(minutes=10)
"""How long a command that nobody has taken stays wanted."""

LARGEST_JOB = 512 * 1024
"""Bytes of user-data (and later command, script and environment) that travel over the bus."""


class LaunchSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a launch asks for. Empty means: let the launcher choose.

    `ttl` is a duration as people write it; `instance_types` are in order of preference;
    `min_count` of 0 means all of `count`.
    """

    name: str
    count: int = 1
    min_count: int = 0
    region: str = ""
    instance_types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    ami: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    ssh_cidr: str = ""
    key_name: str = ""
    tags: dict[str, str] = {}
    ttl: str = ""
    user_data: str = ""


class Launch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to make an array; the same `request_id` is the same array."""

    request_id: str
    spec: LaunchSpec
    not_after: datetime | None = None


class Terminate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to end an array and all its instances; without `not_after` it never expires."""

    array_id: ArrayId
    reason: str = ""
    not_after: datetime | None = None


class JobSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the machines of an array are to run; deleted with the array."""

    user_data: str = ""


class Digest(msgspec.Struct, frozen=True):
    """The size in bytes and the SHA-256 of a text that records and events never carry."""

    size: int
    sha256: str


class PlannedChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One RunInstances call that a launch would begin with."""

    ranks: str
    pool: Pool


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch would do: the answer of `spawn.api.launcher.plan`.

    `pools` are in the order in which they are tried; `calls` counts AWS calls by API when the
    first pool has room; `hourly_usd` is absent where no price is known.
    """

    name: str
    size: int
    min_count: int
    region: str
    image_id: str
    pools: tuple[Pool, ...]
    chunks: tuple[PlannedChunk, ...]
    calls: dict[str, int]
    user_data_bytes: int
    lease: Lease
    hourly_usd: float | None = None


class CollectRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the orphan sweep at once; with `dry_run` it only says what it would do."""

    dry_run: bool = True


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of this deployment that no living array accounts for, and what becomes of it.

    `verdict` is one of `end`, `adopt`, `leave`.
    """

    instance_id: InstanceId
    region: str
    array_id: str
    verdict: str
    reason: str


class CollectReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.launcher.collect`; `acted` is whether verdicts were carried out."""

    findings: tuple[Finding, ...]
    acted: bool
