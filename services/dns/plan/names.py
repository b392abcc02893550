"""What is to stand in the zone: a function of arrays and members alone."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.dns.model import Naming, Slot, Wanted
from services.dns.plan.slots import WHOLE, key_of, part_size
from spawn.contracts.arrays import Array
from spawn.contracts.assignments import master_port
from spawn.contracts.hostnames import Host, stem_of
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.launches import AddressKind
from spawn.contracts.members import Member, MemberState
from spawn.contracts.zones import Record

_NAMED = frozenset({MemberState.RUNNING, MemberState.READY, MemberState.EXITED})
_GROUPED = frozenset({MemberState.RUNNING, MemberState.READY})


class _Machine(NamedTuple):
    rank: int
    generation: int
    ipv4: str
    ipv6: str
    in_group: bool


def wanted_of(
    array: Array,
    members: Mapping[int, Member],
    *,
    leaving: frozenset[InstanceId],
    naming: Naming,
) -> Wanted:
    """Return what is to stand in the zone for an array: nothing once it is being ended."""
    stem = stem_of(array)
    if array.ending is not None or array.state.is_over:
        return Wanted(array_id=array.id, stem=stem, size=array.size)
    kind = array.spec.dns_address or naming.address
    machines = tuple(_machines(members, leaving, kind))
    records = _rank_records(array, machines, naming)
    if array.size > 1:
        records |= _group_records(array, machines, naming)
    hosts = (
        Host(rank=each.rank, address=each.ipv4 or each.ipv6, generation=each.generation)
        for each in machines
    )
    return Wanted(
        array_id=array.id, stem=stem, size=array.size, records=records, hosts=tuple(hosts)
    )


def _machines(
    members: Mapping[int, Member], leaving: frozenset[InstanceId], kind: AddressKind
) -> Iterable[_Machine]:
    for rank in sorted(members):
        member = members[rank]
        instance = member.instance
        ipv4, ipv6 = _addresses(instance, kind)
        runs = instance.state is InstanceState.RUNNING and member.state in _NAMED
        if runs and (ipv4 or ipv6):
            stays = member.state in _GROUPED and instance.id not in leaving
            yield _Machine(rank, member.generation, ipv4, ipv6, stays)


def _addresses(instance: Instance, kind: AddressKind) -> tuple[str, str]:
    ipv4 = instance.private_ip if kind is AddressKind.PRIVATE else instance.public_ip
    # An IPv6 address of a VPC is both.
    return ipv4, instance.ipv6_address


def _rank_records(
    array: Array, machines: Iterable[_Machine], naming: Naming
) -> dict[Slot, Record]:
    values: dict[Slot, tuple[str, ...]] = {}
    for each in machines:
        if each.ipv4:
            values[Slot("a", each.rank)] = (each.ipv4,)
        if each.ipv6:
            values[Slot("aaaa", each.rank)] = (each.ipv6,)
    return _records(array, values, naming)


def _group_records(
    array: Array, machines: Iterable[_Machine], naming: Naming
) -> dict[Slot, Record]:
    grouped = [each for each in machines if each.in_group]
    stem = stem_of(array)
    per_part = part_size(stem, size=array.size, base=naming.base)
    parts: dict[int, list[_Machine]] = {}
    for each in grouped:
        # By rank, not by count: who leaves a part moves nobody to another.
        parts.setdefault(each.rank // per_part, []).append(each)
    values: dict[Slot, tuple[str, ...]] = {}
    if parts:
        values |= _group_values(array, WHOLE, parts[min(parts)], naming)
    if array.size > per_part:
        for part, held in parts.items():
            values |= _group_values(array, part, held, naming)
    return _records(array, values, naming)


def _group_values(
    array: Array, part: int, held: list[_Machine], naming: Naming
) -> dict[Slot, tuple[str, ...]]:
    port = master_port(array.id)
    found = {
        Slot("group-a", part): tuple(each.ipv4 for each in held if each.ipv4),
        Slot("group-aaaa", part): tuple(each.ipv6 for each in held if each.ipv6),
        # The rank as the priority: who takes the first target has the lowest rank (RFC 2782).
        Slot("group-srv", part): tuple(
            f"{min(each.rank, 65_535)} 0 {port} {_target(array, each.rank, naming)}."
            for each in held
        ),
    }
    return {slot: values for slot, values in found.items() if values}


def _target(array: Array, rank: int, naming: Naming) -> str:
    return key_of(Slot("a", rank), stem_of(array), size=array.size, base=naming.base)[0]


def _records(
    array: Array, values: Mapping[Slot, tuple[str, ...]], naming: Naming
) -> dict[Slot, Record]:
    stem, records = stem_of(array), dict[Slot, Record]()
    for slot, each in values.items():
        name, kind = key_of(slot, stem, size=array.size, base=naming.base)
        records[slot] = Record(name, kind, each, naming.ttl)
    return records
