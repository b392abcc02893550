"""Hostnames: the names of an array's machines, and which of them resolve.

An array of several members has `<stem>-<rank>.<base>` for each of them and `<stem>.<base>` for
all; a single machine has `<stem>.<base>`. The stem is the array's name unless it asked for
another.
"""

import re
from datetime import datetime

import msgspec

from spawn.contracts.arrays import Array
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.errors import Rejected

BUCKET = "spawn-hostnames"
"""Key-value bucket of `Hostnames`, keyed by the array's id; written by the DNS service alone."""

API_LIST = "spawn.api.dns.list"
API_CHECK = "spawn.api.dns.check"
API_COLLECT = "spawn.api.dns.collect"

GROUP_SIZE = 200
"""Members of one group record, below the 400 values that Route 53 allows
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html)."""

OWNER_LABEL = "_spawn"

LONGEST_BASE = 160
"""Characters of a base: with `_spawn._tcp.g9999.`, a stem of 40 and a rank a name stays below 253
(RFC 1035 §2.3.4)."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Host(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A rank whose name resolves to `address`, that of the instance of this generation."""

    rank: int
    address: str
    generation: int = 0


class RefusedName(msgspec.Struct, frozen=True, kw_only=True):
    """A name that could not be made, and why: mostly because somebody else's stands there."""

    name: str
    reason: str


class Hostnames(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The names of one array. `hosts` are in order of rank, and everybody is told of them.

    `grouped` says that the name of all members resolves to those that are not going.
    `leaving` are instances under notice: they keep their own name and have left the group.
    `outbox` holds the events that this very write caused.
    """

    array_id: ArrayId
    stem: str
    base: str
    size: int
    changed_at: datetime
    version: int = 1
    hosts: tuple[Host, ...] = ()
    grouped: bool = False
    leaving: tuple[InstanceId, ...] = ()
    refused: tuple[RefusedName, ...] = ()
    outbox: tuple[Event, ...] = ()

    def names(self) -> dict[int, Host]:
        """Return the hosts by rank."""
        return {each.rank: each for each in self.hosts}

    def name_of(self, rank: int) -> str:
        """Return the name that the rank has, whether it resolves or not."""
        return rank_name(self.stem, rank, size=self.size, base=self.base)


def stem_of(array: Array) -> str:
    """Return what an array's names begin with."""
    return array.spec.dns or array.name


def rank_name(stem: str, rank: int, *, size: int, base: str) -> str:
    """Return the name of one member."""
    return f"{stem}.{base}" if size == 1 else f"{stem}-{rank}.{base}"


def group_name(stem: str, *, base: str, part: int | None = None) -> str:
    """Return the name of all members, or of the `part`th 200 of them."""
    return f"{stem}.{base}" if part is None else f"g{part}.{stem}.{base}"


def service_name(group: str) -> str:
    """Return where the SRV record of a group stands (RFC 2782)."""
    return f"_spawn._tcp.{group}"


def owner_name(stem: str, *, base: str) -> str:
    """Return where it is written which names of a stem are ours."""
    return f"{OWNER_LABEL}.{stem}.{base}"


def collide(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Say whether two arrays, as stem and size, would have a name in common.

    `training-3` is the name of a machine of its own, and of rank 3 of `training`.
    """
    return one[0] == other[0] or _is_rank(one[0], other) or _is_rank(other[0], one)


def _is_rank(stem: str, array: tuple[str, int]) -> bool:
    start, size = f"{array[0]}-", array[1]
    rank = stem.removeprefix(start)
    is_number = stem.startswith(start) and rank.isdecimal() and str(int(rank)) == rank
    return size > 1 and is_number and int(rank) < size


def check_base(base: str, *, field: str) -> str:
    """Return a base domain in lower case, without a last dot; raise `Rejected` when it is none."""
    plain = base.lower().removesuffix(".")
    if len(plain) > LONGEST_BASE or not all(_LABEL.fullmatch(each) for each in plain.split(".")):
        raise Rejected(
            f"{field}={base[:LONGEST_BASE]!r}: use a domain such as team.example.org, at most"
            f" {LONGEST_BASE} characters",
            field=field,
        )
    return plain


class ListRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for our records in the zone, of one array or of all; `after` is a reply's `more`."""

    array_id: str = ""
    after: str = ""


class OwnedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the zone that is ours: one line of `spawn dns list`."""

    name: str
    type: str
    values: tuple[str, ...]
    array_id: str


class RecordList(msgspec.Struct, frozen=True, kw_only=True):
    """Our records, in order of name and type; with `more` there are others, to be asked for."""

    records: tuple[OwnedRecord, ...]
    more: str = ""


class CheckRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask whether zone and records say the same, for one array or for all."""

    array_id: str = ""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not in the zone as it should be, and why.

    `wanted` follows from the members, `found` stands in the zone, `recorded` is what
    `spawn-hostnames` says that the name resolves to (ranks' names only).
    """

    name: str
    type: str
    array_id: str
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    why: str


class RecordCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a check has found; `agreeing` counts the records that are as they should be.

    At most 500 differences are told; `untold` counts the others.
    """

    base: str
    backend: str
    agreeing: int
    differences: tuple[Difference, ...] = ()
    untold: int = 0


class CollectRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask that stale records of ours be removed now; `dry_run` only says which they are."""

    dry_run: bool = True


class RecordCollection(msgspec.Struct, frozen=True, kw_only=True):
    """The stale records; `acted` is whether their removal was asked of the zone."""

    stale: tuple[OwnedRecord, ...]
    acted: bool
