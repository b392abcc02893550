"""What people are told of the zone: our records in it, and where it is not as it should be."""

from collections.abc import Iterable, Iterator, Mapping

from services.dns.model import Blocked, Edit, Key, Ownership
from services.dns.plan.difference import (
    GROUP_GAINS,
    GROUP_LOSES,
    NAME_COMES,
    NAME_GOES,
    NAME_MOVES,
)
from services.dns.plan.slots import key_of
from spawn.contracts.hostnames import (
    Difference,
    Host,
    Hostnames,
    OwnedRecord,
    owner_name,
)
from spawn.contracts.ids import ArrayId
from spawn.contracts.zones import Record, RecordType

_WHY = {
    GROUP_LOSES: "the group still has a member that is going or gone",
    NAME_GOES: "nothing runs behind it any more",
    NAME_MOVES: "it resolves to another machine",
    NAME_COMES: "its machine runs, and it is not in the zone yet",
    GROUP_GAINS: "the group lacks members that run",
}


def owned_records(
    ours: Mapping[str, Ownership], zone: Mapping[Key, Record], *, base: str
) -> tuple[OwnedRecord, ...]:
    """Return our records in the zone, in order of name and type."""
    found = (
        OwnedRecord(
            name=record.name, type=record.type, values=record.values, array_id=owned.array_id
        )
        for stem, owned in ours.items()
        for record in _records(stem, owned, zone, base)
    )
    return tuple(sorted(found, key=place))


def place(record: OwnedRecord) -> str:
    """Return what records are sorted by."""
    return f"{record.name} {record.type}"


def removed_by(edits: Iterable[Edit], array_ids: Mapping[str, ArrayId]) -> Iterator[OwnedRecord]:
    """Yield the records that edits remove for good."""
    for edit in edits:
        before = edit.change.before if edit.change and edit.change.after is None else None
        if before is not None:
            yield OwnedRecord(
                name=before.name,
                type=before.type,
                values=before.values,
                array_id=array_ids.get(edit.stem, ""),
            )


def difference_of(edit: Edit, array_id: str, told: Hostnames | None) -> Difference | None:
    """Explain an edit; None for one that changes no record."""
    if edit.change is None:
        return None
    name, kind = edit.change.key
    before, after = edit.change.before, edit.change.after
    return Difference(
        name=name,
        type=kind,
        array_id=array_id,
        wanted=after.values if after else (),
        found=before.values if before else (),
        recorded=_recorded(edit, name, told),
        why=_WHY[edit.urgency],
    )


def difference_of_blocked(blocked: Blocked, array_id: str) -> Difference:
    """Explain a name that can't be made."""
    return Difference(name=blocked.name, type=RecordType.A, array_id=array_id, why=blocked.reason)


def differences_of_told(
    told: Hostnames, hosts: tuple[Host, ...], *, skip: frozenset[str]
) -> Iterator[Difference]:
    """Explain where what is told of an array is not what stands in the zone."""
    now, known = {each.rank: each for each in hosts}, told.names()
    for rank in sorted(now.keys() | known.keys()):
        name = told.name_of(rank)
        if now.get(rank) == known.get(rank) or name in skip:
            continue
        stands, recorded = now.get(rank), known.get(rank)
        yield Difference(
            name=name,
            type=RecordType.A,
            array_id=told.array_id,
            found=(stands.address,) if stands else (),
            recorded=(recorded.address,) if recorded else (),
            why="it is in the zone, and may not have reached every name server yet"
            if stands
            else "it has left the zone, and may still be answered by some name server",
        )


def _recorded(edit: Edit, name: str, told: Hostnames | None) -> tuple[str, ...]:
    host = told.names().get(edit.slot.number) if told else None
    return (host.address,) if told and host and told.name_of(host.rank) == name else ()


def _records(
    stem: str, owned: Ownership, zone: Mapping[Key, Record], base: str
) -> Iterator[Record]:
    keys = [key_of(slot, stem, size=owned.size, base=base) for slot in owned.slots]
    keys.append((owner_name(stem, base=base), RecordType.TXT))
    return (zone[key] for key in keys if key in zone)
