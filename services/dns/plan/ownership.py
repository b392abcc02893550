"""The TXT record by which a stem's records are known as ours, written and read.

`spawn deployment=<id> array=<id> size=8 a=0-7 group-a=all group-srv=all`: each kind of record
with the ranks, or the parts of the group, that are ours. What is not named here belongs to
somebody else.
"""

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable

from services.dns.model import Naming, Ownership, Slot
from services.dns.plan.slots import GROUP_KINDS, RANK_KINDS, WHOLE
from spawn.contracts.hostnames import OWNER_LABEL, owner_name
from spawn.contracts.ids import ArrayId
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.contracts.zones import Record, RecordType
from spawn.errors import Rejected

_HEAD = "spawn"
_ALL = "all"
_BITS = "bits:"
_MOST_RANKS = 100_000
"""No array is as large; a text that names more is not ours to believe."""

_LONGEST_RANGES = 1_000
"""Characters up to which ranges are written: Route 53 takes 4,000 in all
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#TXTFormat)."""


def owner_record(stem: str, owned: Ownership, naming: Naming) -> Record:
    """Write down which records of a stem are ours."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for slot in owned.slots:
        numbers[slot.kind].add(slot.number)
    words = [
        _HEAD,
        f"deployment={owned.deployment}",
        f"array={owned.array_id}",
        f"size={owned.size}",
    ]
    words += (f"{kind}={_format(numbers[kind])}" for kind in sorted(numbers))
    name = owner_name(stem, base=naming.base)
    return Record(name, RecordType.TXT, (" ".join(words),), naming.ttl)


def read_owner(record: Record) -> Ownership | None:
    """Read an owner's record of any deployment; None when it is something else."""
    if record.type != RecordType.TXT or len(record.values) != 1:
        return None
    head, *words = record.values[0].split(" ")
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    if head != _HEAD or not {"deployment", "array", "size"} <= pairs.keys():
        return None
    try:
        size = int(pairs["size"])
        slots = frozenset(
            Slot(kind, number)
            for kind, text in pairs.items()
            if kind in RANK_KINDS or kind in GROUP_KINDS
            for number in _parse(text)
        )
    except (Rejected, ValueError):
        return None
    return Ownership(
        deployment=pairs["deployment"], array_id=ArrayId(pairs["array"]), size=size, slots=slots
    )


def owners(
    records: Iterable[Record], naming: Naming
) -> tuple[dict[str, Ownership], dict[str, str]]:
    """Return the stems that are ours, and, with what stands there, those of others."""
    ours: dict[str, Ownership] = {}
    foreign: dict[str, str] = {}
    for record in records:
        stem = owned_stem(record, naming.base)
        if not stem:
            continue
        owned = read_owner(record)
        if owned is not None and owned.deployment == naming.deployment:
            ours[stem] = owned
        else:
            whose = "something else" if owned is None else f"deployment {owned.deployment}"
            foreign[stem] = f"{record.name} says that they belong to {whose}"
    return ours, foreign


def owned_stem(record: Record, base: str) -> str:
    """Return the stem whose owner this record says; empty when it is no such record."""
    start, tail = f"{OWNER_LABEL}.", f".{base}"
    if record.type != RecordType.TXT or not record.name.startswith(start):
        return ""
    stem = record.name.removeprefix(start).removesuffix(tail)
    return stem if owner_name(stem, base=base) == record.name else ""


def _format(numbers: set[int]) -> str:
    ranks = numbers - {WHOLE}
    parts = [_ALL] if WHOLE in numbers else []
    text = format_ranks(ranks)
    if len(text) > _LONGEST_RANGES:
        bits = sum(1 << rank for rank in ranks)
        packed = base64.urlsafe_b64encode(bits.to_bytes(max(ranks) // 8 + 1, "little")).decode()
        text = min(text, f"{_BITS}{packed.rstrip('=')}", key=len)
    return ",".join([*parts, *filter(None, [text])])


def _parse(text: str) -> Iterable[int]:
    if text == _ALL or text.startswith(f"{_ALL},"):
        yield WHOLE
        text = text.removeprefix(_ALL).removeprefix(",")
    yield from _unpack(text.removeprefix(_BITS)) if text.startswith(_BITS) else _ranks(text)


def _unpack(packed: str) -> Iterable[int]:
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except binascii.Error as error:
        raise Rejected("bits that are none") from error
    if len(raw) * 8 > _MOST_RANKS:
        raise Rejected("more ranks than an array has")
    bits = int.from_bytes(raw, "little")
    return (rank for rank in range(bits.bit_length()) if bits >> rank & 1)


def _ranks(text: str) -> Iterable[int]:
    ends = (part.rpartition("-")[2] for part in text.split(","))
    if any(end.isdecimal() and int(end) > _MOST_RANKS for end in ends):
        raise Rejected("more ranks than an array has")
    return parse_ranks(text)
