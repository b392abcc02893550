"""The registrar's view: what is wanted, what is in the zone, and what differs, kept by stem."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.dns.memory import Memory, ZoneCopy
from services.dns.model import (
    Blocked,
    Edit,
    Holder,
    Key,
    Naming,
    Ownership,
    Slot,
    Standing,
    Wanted,
)
from services.dns.plan import batches
from services.dns.plan.claims import refused_arrays, with_stems
from services.dns.plan.difference import edits_of, in_order, owner_obstacle, stale_edits
from services.dns.plan.names import wanted_of
from services.dns.plan.ownership import owned_stem, owners
from services.dns.plan.records import first_record, standing
from services.dns.ports import World
from spawn.contracts.arrays import MARK_KEY
from spawn.contracts.hostnames import Hostnames, group_name
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Member
from spawn.contracts.zones import BatchLimits, Change, Record
from spawn.errors import NotFound

NOBODY: Mapping[int, Member] = {}
_Differences = tuple[tuple[Edit, ...], tuple[Blocked, ...]]


class View:
    """Everything that a decision needs, computed anew only where something has changed.

    `is_marked` says that the arrays' records are whole: without it nothing is stale for being
    unknown.
    """

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self.is_marked = False
        self.ours: dict[str, Ownership] = {}
        self._foreign: dict[str, str] = {}
        self._zone = ZoneCopy()
        self._wanted: dict[ArrayId, Wanted] = {}
        self._stems: dict[str, ArrayId] = {}
        self._known: set[ArrayId] = set()
        self._unnamed: dict[ArrayId, str] = {}
        self._differences: dict[str, _Differences] = {}
        self._standing: dict[ArrayId, Standing] = {}
        self._refused: dict[tuple[str, Slot], tuple[Record | None, Blocked]] = {}
        self._edits: tuple[Edit, ...] | None = None
        self._epoch: int = 0

    @property
    def records(self) -> Mapping[Key, Record]:
        """The zone's records."""
        return self._zone.records

    @property
    def owned_records(self) -> int:
        """How many records are ours, owners' texts left out."""
        return sum(len(each.slots) for each in self.ours.values())

    @property
    def refused_names(self) -> int:
        """How many names can't be made."""
        return len(self._unnamed) + sum(len(each[1]) for each in self._differences.values())

    def refresh(self, memory: Memory, changed: set[ArrayId]) -> None:
        """Take over the records of arrays that have changed."""
        if memory.epoch != self._epoch:
            # The bus has lost its state: that no record names an array says nothing any more.
            self._epoch, self.is_marked = memory.epoch, False
            changed = changed | self._wanted.keys()
        if not changed:
            return
        read = (each.value for each in memory.arrays.items().values())
        arrays = with_stems(read, self.ours)
        living = {id_: each for id_, each in arrays.items() if not each.state.is_over}
        unnamed = refused_arrays(living.values())
        changed |= self._wanted.keys() - living.keys()
        changed |= {id_ for id_ in unnamed.keys() ^ self._unnamed.keys() if id_ in living}
        self._known, self._unnamed = set(arrays), unnamed
        for array_id in changed:
            self._drop(array_id)
        for array_id in changed & living.keys():
            told = memory.hostnames.get(array_id)
            leaving = frozenset(told.value.leaving if told else ())
            members = memory.members(array_id) if array_id not in unnamed else NOBODY
            self._take_wanted(
                wanted_of(living[array_id], members, leaving=leaving, naming=self.naming)
            )

    def edits(self) -> tuple[Edit, ...]:
        """Return what is to be changed, in order of urgency."""
        if self._edits is None:
            for stem in (self._stems.keys() | self.ours.keys()) - self._differences.keys():
                self._differences[stem] = self._compare(stem)
            self._edits = in_order(e for each in self._differences.values() for e in each[0])
        return self._edits

    def take_zone(self, zone: ZoneCopy) -> None:
        """Take over the zone as it was listed; what was refused may be possible now."""
        self._zone = zone
        self.ours, self._foreign = owners(zone.records.values(), self.naming)
        self._refused.clear()
        self._forget()

    def seal(self, edits: Iterable[Edit]) -> tuple[Change, ...]:
        """Return the change that makes edits, with their owners' texts."""
        holders = {
            stem: Holder(array_id=array_id, size=self._wanted[array_id].size)
            for stem, array_id in self._stems.items()
        }
        return batches.seal(
            edits, zone=self.records, ours=self.ours, holders=holders, naming=self.naming
        )

    def first_batch(
        self, limits: BatchLimits, *, edits: tuple[Edit, ...] | None = None
    ) -> tuple[Edit, ...]:
        """Return the most urgent edits, of all or of `edits`, that one change may hold."""
        edits = self.edits() if edits is None else edits
        return batches.first_batch(edits, self.records, limits, base=self.naming.base)

    def stale(self) -> tuple[Edit, ...]:
        """Return the edits that remove what is ours under stems that nobody wants."""
        return tuple(each for each in self.edits() if each.stem not in self._stems)

    def array_ids(self) -> dict[str, ArrayId]:
        """Return whose the stems are, or were, by stem."""
        return {stem: owned.array_id for stem, owned in self.ours.items()} | self._stems

    def touch(self, stems: Iterable[str]) -> tuple[Change, ...]:
        """Return a change that leaves stems as they are."""
        base = self.naming.base
        return tuple(
            change
            for stem in stems
            for change in batches.touch(stem, self.ours, self.records, base=base)
        )

    def take_changes(self, changes: tuple[Change, ...]) -> None:
        """Take over what the zone has changed for us."""
        self._zone.apply(changes)
        texts = [(c, c.after or c.before) for c in changes]
        for change, record in texts:
            stem = owned_stem(record, self.naming.base) if record else ""
            if not stem:
                continue
            held, _ = owners([change.after] if change.after else [], self.naming)
            self.ours.pop(stem, None)
            self.ours |= held
            self._invalidate(stem)

    def refuse(self, edit: Edit, blocked: Blocked) -> None:
        """Leave an edit out until the zone is listed again."""
        after = edit.change.after if edit.change else None
        self._refused[edit.stem, edit.slot] = (after, blocked)
        self._invalidate(edit.stem)

    def standing(self, stems: Iterable[str]) -> dict[ArrayId, Standing]:
        """Return which names of stems are in the zone as they should be, by array."""
        return {
            array_id: self._stands(array_id)
            for stem in stems
            if (array_id := self._stems.get(stem)) is not None
        }

    def quiet(self, busy: set[str], told: Iterable[Hostnames]) -> Iterable[ArrayId]:
        """Return the arrays that nothing is under way for, those only told of included."""
        stems = {stem: array_id for stem, array_id in self._stems.items() if stem not in busy}
        unnamed = self._unnamed.keys()
        gone = {each.array_id for each in told if each.stem not in busy} - self._wanted.keys()
        return [*stems.values(), *unnamed, *gone]

    def standing_of(self, array_id: ArrayId) -> Standing:
        """Return which of an array's names are in the zone as they should be."""
        return self._stands(array_id) if array_id in self._wanted else Standing()

    def stem_held_by(self, array_id: ArrayId) -> str:
        """Return the stem whose owner's text names this array; empty when none does."""
        wanted = self._wanted.get(array_id)
        owned = self.ours.get(wanted.stem) if wanted else None
        is_held = owned is not None and owned.array_id == array_id
        return wanted.stem if wanted and is_held else ""

    def is_over(self, array_id: ArrayId) -> bool:
        """Say whether an array will have no names any more."""
        return array_id not in self._wanted and (array_id in self._known or self.is_marked)

    def first_record(self, array_id: ArrayId, now: datetime) -> Hostnames | None:
        """Return what the record of a living array begins with."""
        wanted, base = self._wanted.get(array_id), self.naming.base
        if wanted is None:
            return None
        return first_record(array_id, wanted.stem, wanted.size, base, now)

    def blocked(self, array_id: ArrayId) -> tuple[Blocked, ...]:
        """Return the names of an array that can't be made."""
        wanted = self._wanted.get(array_id)
        if wanted is None:
            return ()
        if array_id in self._unnamed:
            name = group_name(wanted.stem, base=self.naming.base)
            return (Blocked(stem=wanted.stem, name=name, reason=self._unnamed[array_id]),)
        return self._differences.get(wanted.stem, ((), ()))[1]

    def all_blocked(self) -> Iterable[tuple[ArrayId, tuple[Blocked, ...]]]:
        """Yield what can't be made, by array."""
        self.edits()
        return ((array_id, self.blocked(array_id)) for array_id in self._wanted)

    def _compare(self, stem: str) -> _Differences:
        base, owned = self.naming.base, self.ours.get(stem)
        array_id = self._stems.get(stem)
        if array_id is None:
            return self._stale(stem), ()
        wanted = self._wanted[array_id]
        if owned is None and wanted.records:
            obstacle = self._foreign.get(stem) or owner_obstacle(stem, self.records, base=base)
            if obstacle:
                name = group_name(stem, base=base)
                return (), (Blocked(stem=stem, name=name, reason=obstacle),)
        edits, blocked = edits_of(wanted, owned, self.records, base=base)
        return self._without_refused(stem, edits, blocked)

    def _stale(self, stem: str) -> tuple[Edit, ...]:
        owned = self.ours.get(stem)
        if owned is None or not (self.is_marked or owned.array_id in self._known):
            return ()
        return stale_edits(stem, owned, self.records, base=self.naming.base)

    def _without_refused(
        self, stem: str, edits: tuple[Edit, ...], blocked: tuple[Blocked, ...]
    ) -> _Differences:
        left, refused = list[Edit](), list(blocked)
        for edit in edits:
            known = self._refused.get((stem, edit.slot))
            if known and known[0] == (edit.change.after if edit.change else None):
                refused.append(known[1])
            else:
                left.append(edit)
        return tuple(left), tuple(refused)

    def _stands(self, array_id: ArrayId) -> Standing:
        if array_id not in self._standing:
            is_held = bool(self.stem_held_by(array_id))
            found = standing(self._wanted[array_id], self.records) if is_held else Standing()
            self._standing[array_id] = found
        return self._standing[array_id]

    def _take_wanted(self, wanted: Wanted) -> None:
        self._wanted[wanted.array_id] = wanted
        if wanted.array_id not in self._unnamed:
            self._stems[wanted.stem] = wanted.array_id
            self._invalidate(wanted.stem)

    def _drop(self, array_id: ArrayId) -> None:
        wanted = self._wanted.pop(array_id, None)
        self._standing.pop(array_id, None)
        if wanted is not None and self._stems.get(wanted.stem) == array_id:
            del self._stems[wanted.stem]
            self._invalidate(wanted.stem)

    def _invalidate(self, stem: str) -> None:
        self._differences.pop(stem, None)
        self._edits = None
        if stem in self._stems:
            self._standing.pop(self._stems[stem], None)

    def _forget(self) -> None:
        self._differences.clear()
        self._standing.clear()
        self._edits = None


async def is_marked(world: World) -> bool:
    """Say whether the arrays' bucket is known to be whole: an empty one says nothing."""
    try:
        mark = await world.stores.marks.get(MARK_KEY)
    except NotFound:
        return False
    return mark.value.deployment == world.deployment
