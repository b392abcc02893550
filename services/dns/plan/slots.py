"""The places of a stem's records: which name and type each has."""

from services.dns.model import Key, Slot
from spawn.contracts.hostnames import GROUP_SIZE, group_name, rank_name, service_name
from spawn.contracts.zones import RecordType

WHOLE = -1
"""The number of the group's own name, beside those of its parts."""

RANK_KINDS = {"a": RecordType.A, "aaaa": RecordType.AAAA}
GROUP_KINDS = {
    "group-a": RecordType.A,
    "group-aaaa": RecordType.AAAA,
    "group-srv": RecordType.SRV,
}

_MOST_CHARACTERS = 14_000
"""Of one record's values: the old and the new ones together go into one change of 32,000
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html)."""

_NUMBERS = "65535 0 65535 "


def key_of(slot: Slot, stem: str, *, size: int, base: str) -> Key:
    """Return the name and type of a slot's record."""
    if slot.kind in RANK_KINDS:
        return rank_name(stem, slot.number, size=size, base=base), RANK_KINDS[slot.kind]
    part = None if slot.number == WHOLE else slot.number
    group = group_name(stem, base=base, part=part)
    kind = GROUP_KINDS[slot.kind]
    return (service_name(group) if kind is RecordType.SRV else group), kind


def part_size(stem: str, *, size: int, base: str) -> int:
    """Return how many members one group record holds: 200, fewer where names are very long."""
    longest = len(f"{_NUMBERS}{rank_name(stem, max(size, 2) - 1, size=size, base=base)}.")
    return min(GROUP_SIZE, _MOST_CHARACTERS // longest)
