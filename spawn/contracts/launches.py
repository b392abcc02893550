"""Launch and terminate: the commands, and what a launch may say."""

from datetime import datetime, timedelta

import msgspec

from spawn.contracts.ids import ArrayId

SUBJECT_LAUNCH = "spawn.cmd.launcher.launch"
SUBJECT_TERMINATE = "spawn.cmd.launcher.terminate"

SPECS_BUCKET = "spawn-specs"
"""Key-value bucket of `JobSpec`, keyed `<array>`; readable by the launcher alone."""

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
    """The command to end an array and all its instances."""

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
