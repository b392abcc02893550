"""What one replica of the DNS service remembers: copies and hints, never the truth."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from services.dns.model import Key
from spawn.bus.mirror import Mirror
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.arrays import Array
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.members import Member
from spawn.contracts.zones import Change as RecordChange
from spawn.contracts.zones import Record, by_key


class Memory:
    """This replica's copy of arrays, members and hostnames.

    `changed` names the arrays to look at again; `stirred` is set with each of them. `epoch` goes
    up when a bucket was lost and is read anew. `writing` has the record of an array be written by
    one of us at a time.
    """

    def __init__(self) -> None:
        self.arrays = Mirror[Array]()
        self.hostnames = Mirror[Hostnames]()
        self.changed: set[ArrayId] = set()
        self.stirred = asyncio.Event()
        self.epoch: int = 0
        self.writing = WeakValueDictionary[ArrayId, asyncio.Lock]()
        self._noticed: dict[ArrayId, Counter[InstanceId]] = {}
        self._members = Mirror[Member]()
        self._by_array: dict[ArrayId, dict[int, Member]] = defaultdict(dict)

    async def known(self) -> None:
        """Return once every record has been read."""
        for mirror in (self.arrays, self._members, self.hostnames):
            await mirror.caught_up.wait()

    @property
    def is_whole(self) -> bool:
        """Whether no copy is being read anew."""
        copies = (self.arrays, self._members, self.hostnames)
        return all(each.caught_up.is_set() for each in copies)

    def members(self, array_id: ArrayId) -> Mapping[int, Member]:
        """Return an array's members by rank."""
        return self._by_array.get(array_id, {})

    @contextmanager
    def noticing(self, array_id: ArrayId, instance_id: InstanceId) -> Generator[None]:
        """Have an instance be among the `noticed` until its notice is written down."""
        noticed = self._noticed.setdefault(array_id, Counter())
        noticed[instance_id] += 1
        try:
            yield
        finally:
            noticed -= Counter([instance_id])
            if not noticed:
                self._noticed.pop(array_id, None)

    def noticed(self, array_id: ArrayId) -> Iterable[InstanceId]:
        """Return instances whose notices wait for their turn: one write has room for them all."""
        return tuple(self._noticed.get(array_id, ()))

    def note_array(self, change: Change[Array]) -> None:
        """Take what the watch of the arrays yields."""
        self.arrays.take(change)
        self._count_loss(change)
        self._stir(ArrayId(change.key) if isinstance(change, Entry | Deleted) else None)

    def note_hostnames(self, change: Change[Hostnames]) -> None:
        """Take what the watch of the hostnames yields, or what was written."""
        self.hostnames.take(change)
        self._count_loss(change)
        self._stir(ArrayId(change.key) if isinstance(change, Entry | Deleted) else None)

    def note_member(self, change: Change[Member]) -> None:
        """Take what the watch of the members yields."""
        self._members.take(change)
        self._count_loss(change)
        match change:
            case Entry(key=key, value=member) if self._members.get(key) is change:
                self._by_array[member.array_id][member.rank] = member
                self._stir(member.array_id)
            case Deleted(key=key):
                array_id, _, rank = key.rpartition(".")
                self._by_array[ArrayId(array_id)].pop(int(rank), None)
                self._stir(ArrayId(array_id))
            case Restarted():
                self._by_array.clear()
                self._stir(None)
            case _:
                pass

    def change_all(self) -> None:
        """Have every array looked at again: by one who has seen none yet."""
        self.changed |= {ArrayId(key) for key in self.arrays.items()}
        self.stirred.set()

    def take_changed(self) -> set[ArrayId]:
        """Return the arrays that have changed since this was last asked."""
        changed, self.changed = self.changed, set()
        return changed

    def _count_loss(self, change: Change[Any]) -> None:
        if isinstance(change, Restarted):
            self.epoch += 1
            self.change_all()

    def _stir(self, array_id: ArrayId | None) -> None:
        if array_id is not None:
            self.changed.add(array_id)
        self.stirred.set()


class ZoneCopy:
    """The zone as it was listed, with the changes that we have made since."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records = by_key(records)

    @property
    def records(self) -> Mapping[Key, Record]:
        """The records by name and type."""
        return MappingProxyType(self._records)

    def apply(self, changes: Iterable[RecordChange]) -> None:
        """Take over changes that the zone has made."""
        for change in changes:
            if change.after is None:
                self._records.pop(change.key, None)
            else:
                self._records[change.key] = change.after
