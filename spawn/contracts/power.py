"""Power: the command that stops, hibernates or starts machines, and how it is kept till done."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.ids import ArrayId

SUBJECT_POWER = "spawn.cmd.launcher.power"


class PowerTo(StrEnum):
    """What machines are to be: off with their disk, off with their memory on it, or on."""

    STOPPED = "stopped"
    HIBERNATED = "hibernated"
    RUNNING = "running"


class Power(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to stop, hibernate or start members of an array.

    `ranks` are ranges such as `0,3-5`, empty for all. With `lease_version` it counts only as long
    as the array's lease record has that version. `power.asked` or `power.refused` answers with
    `request_id`, then `power.settled`; the lease goes on meanwhile.
    """

    request_id: str
    array_id: ArrayId
    to: PowerTo
    ranks: str = ""
    reason: str = ""
    lease_version: int | None = None
    not_after: datetime | None = None


class PowerWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands in an array's record until the machines of `ranks`, as ranges, are so."""

    to: PowerTo
    ranks: str
    request_id: str
    reason: str
    at: datetime
