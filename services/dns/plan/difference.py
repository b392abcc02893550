"""What differs between the zone and what is to stand in it, as edits in order of urgency."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from services.dns.model import Blocked, Edit, Key, Ownership, Slot, Wanted
from services.dns.plan.slots import RANK_KINDS, key_of
from spawn.contracts.hostnames import owner_name
from spawn.contracts.zones import Change, Record, RecordType

GROUP_LOSES, NAME_GOES, NAME_MOVES, NAME_COMES, GROUP_GAINS = range(5)
"""Urgencies: who is going leaves the group first, then loses its name; then come the new ones."""

_ALONE = ("CNAME", "NS")
"""Types beside which no other record of a name may stand (RFC 1034 §3.6.2, §4.2.1)."""


def edits_of(
    wanted: Wanted, owned: Ownership | None, zone: Mapping[Key, Record], *, base: str
) -> tuple[tuple[Edit, ...], tuple[Blocked, ...]]:
    """Compare one stem's records; return what is to be changed, and what others block."""
    if owned is not None and owned.slots and owned.array_id != wanted.array_id:
        # Those of a predecessor go first: the same slot may have had another name.
        return tuple(_removals(wanted.stem, owned, zone, base)), ()
    slots = owned.slots if owned is not None else frozenset[Slot]()
    edits: list[Edit] = []
    blocked: list[Blocked] = []
    for slot, record in wanted.records.items():
        obstacle = "" if slot in slots else _obstacle(record, zone)
        current = zone.get(record.key) if slot in slots else None
        if obstacle:
            blocked.append(Blocked(stem=wanted.stem, name=record.name, reason=obstacle))
        elif not record.is_as(current):
            edits.append(_edit(wanted.stem, slot, current, record))
    gone = slots - wanted.records.keys()
    if owned is not None and gone:
        edits += _removals(wanted.stem, _only(owned, gone), zone, base)
    return tuple(edits), tuple(blocked)


def stale_edits(
    stem: str, owned: Ownership, zone: Mapping[Key, Record], *, base: str
) -> tuple[Edit, ...]:
    """Return the removal of everything that is ours under a stem which nobody wants."""
    return tuple(_removals(stem, owned, zone, base))


def in_order(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Sort edits: the urgent first, then those of small arrays, then groups that lack most."""
    edits = tuple(edits)
    of_stem = Counter(each.stem for each in edits)
    return tuple(
        sorted(
            edits,
            key=lambda each: (
                each.urgency, -each.gain, of_stem[each.stem], each.stem, each.slot
            ),
        )
    )  # fmt: skip


def _removals(
    stem: str, owned: Ownership, zone: Mapping[Key, Record], base: str
) -> Iterator[Edit]:
    for slot in sorted(owned.slots):
        current = zone.get(key_of(slot, stem, size=owned.size, base=base))
        yield _edit(stem, slot, current, None)


def _edit(stem: str, slot: Slot, before: Record | None, after: Record | None) -> Edit:
    change = Change(before, after) if before or after else None
    gained = len(after.values) - len(before.values) if before and after else 0
    urgency = _urgency(slot, before, after)
    return Edit(
        stem=stem,
        slot=slot,
        change=change,
        urgency=urgency,
        gain=gained if urgency == GROUP_GAINS else 0,
    )


def _urgency(slot: Slot, before: Record | None, after: Record | None) -> int:
    if slot.kind in RANK_KINDS:
        if after is None:
            return NAME_GOES
        return NAME_COMES if before is None else NAME_MOVES
    lost = set(before.values if before else ()) - set(after.values if after else ())
    return GROUP_LOSES if lost or after is None else GROUP_GAINS


def _obstacle(record: Record, zone: Mapping[Key, Record]) -> str:
    for kind in (record.type, *_ALONE):
        if (record.name, kind) in zone:
            return f"another's {kind} record of {record.name} stands there"
    return ""


def _only(owned: Ownership, slots: frozenset[Slot]) -> Ownership:
    return Ownership(
        deployment=owned.deployment, array_id=owned.array_id, size=owned.size, slots=slots
    )


def owner_obstacle(stem: str, zone: Mapping[Key, Record], *, base: str) -> str:
    """Say what stands where a stem's owner is to be written down, if it is not ours."""
    name = owner_name(stem, base=base)
    found = next((kind for kind in (RecordType.TXT, *_ALONE) if (name, kind) in zone), "")
    return f"another's {found} record of {name} stands there" if found else ""
