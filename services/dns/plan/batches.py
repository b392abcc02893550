"""What goes out together: edits within a zone's limits, sealed with their owners' texts.

The text of a stem's owner is changed in the same atomic change as its records, so that the zone
itself always says which records are ours. Because the change names the text as it must be before,
two writers that do not know of each other can't both succeed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.dns.model import Edit, Holder, Key, Naming, Ownership
from services.dns.plan.ownership import owner_record
from spawn.contracts.hostnames import owner_name
from spawn.contracts.zones import BatchLimits, Change, Record, RecordType

_TEXT = 400
"""Characters of an owner's text without its ranks, quotes included."""

_RANK = 14
"""Characters by which one edit makes an owner's text longer, at most."""


def first_batch(
    edits: Iterable[Edit], zone: Mapping[Key, Record], limits: BatchLimits, *, base: str
) -> tuple[Edit, ...]:
    """Return as many edits from the front as one change may hold; at least one."""
    batch: list[Edit] = []
    stems: set[str] = set()
    values = characters = 0
    for edit in edits:
        added = _size(edit.change)
        if edit.stem not in stems:
            added = _plus(added, _text_size(edit.stem, zone, base))
        values, characters = values + added[0], characters + added[1] + _RANK
        if batch and (values > limits.values or characters > limits.characters):
            break
        batch.append(edit)
        stems.add(edit.stem)
    return tuple(batch)


def seal(
    edits: Iterable[Edit],
    *,
    zone: Mapping[Key, Record],
    ours: Mapping[str, Ownership],
    holders: Mapping[str, Holder],
    naming: Naming,
) -> tuple[Change, ...]:
    """Return the edits' changes with the owners' texts that go with them, those first."""
    by_stem: dict[str, list[Edit]] = defaultdict(list)
    for edit in edits:
        by_stem[edit.stem].append(edit)
    changes = [each.change for stem in by_stem for each in by_stem[stem] if each.change]
    texts = (
        _owner_change(stem, by_stem[stem], zone, _owned(stem, ours, holders, naming), naming)
        for stem in by_stem
    )
    return (*filter(None, texts), *changes)


def touch(
    stem: str, ours: Mapping[str, Ownership], zone: Mapping[Key, Record], *, base: str
) -> tuple[Change, ...]:
    """Return a change that leaves all as it is: once it is everywhere, all before it is.

    Empty where nothing is ours.
    """
    current = zone.get((owner_name(stem, base=base), RecordType.TXT)) if stem in ours else None
    return (Change(current, current),) if current is not None else ()


def halves(edits: tuple[Edit, ...]) -> tuple[tuple[Edit, ...], ...]:
    """Split what was refused as a whole: by stem as long as there are several."""
    stems = list(dict.fromkeys(each.stem for each in edits))
    if len(stems) > 1:
        first = set(stems[: len(stems) // 2])
        return (
            tuple(each for each in edits if each.stem in first),
            tuple(each for each in edits if each.stem not in first),
        )
    middle = len(edits) // 2
    return edits[:middle], edits[middle:]


def _owned(
    stem: str,
    ours: Mapping[str, Ownership],
    holders: Mapping[str, Holder],
    naming: Naming,
) -> Ownership:
    known, holder = ours.get(stem), holders.get(stem)
    if known is not None and (known.slots or holder is None):
        return known
    if holder is None:
        raise ValueError(f"nobody holds {stem}")
    return Ownership(deployment=naming.deployment, array_id=holder.array_id, size=holder.size)


def _owner_change(
    stem: str,
    edits: list[Edit],
    zone: Mapping[Key, Record],
    owned: Ownership,
    naming: Naming,
) -> Change | None:
    given_up = {each.slot for each in edits if each.change is None or each.change.after is None}
    taken = {each.slot for each in edits} - given_up
    slots = (owned.slots | taken) - given_up
    after = Ownership(
        deployment=owned.deployment, array_id=owned.array_id, size=owned.size, slots=slots
    )
    before = zone.get((owner_name(stem, base=naming.base), RecordType.TXT))
    wanted = owner_record(stem, after, naming) if slots else None
    # Unchanged, it is named all the same: nobody else has changed it meanwhile.
    return Change(before, wanted) if before or wanted else None


def _size(change: Change | None) -> tuple[int, int]:
    sides = (change.before, change.after) if change else ()
    records = [each for each in sides if each is not None]
    values = sum(len(each.values) for each in records)
    return values, sum(len(value) for each in records for value in each.values)


def _text_size(stem: str, zone: Mapping[Key, Record], base: str) -> tuple[int, int]:
    before = zone.get((owner_name(stem, base=base), RecordType.TXT))
    known = sum(map(len, before.values)) if before else 0
    return 2, 2 * (known + _TEXT)


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
