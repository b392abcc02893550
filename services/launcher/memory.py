"""What one replica of the launcher remembers: copies and hints, never the truth."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from services.launcher.model import ListedQuotes, Places, Roll, SpotQuotes
from spawn.bus.mirror import Mirror
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.arrays import Array
from spawn.contracts.clouds import CloudReport
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.lease_records import LeaseRecord, lease_key
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, member_key
from spawn.contracts.notices import Notice
from spawn.contracts.pools import Pool


class Fleet:
    """This replica's copy of all arrays and members, fed by watches and by its own writes.

    It may lag behind the bucket; whoever writes compares revisions, so a stale copy costs a
    second try and nothing else. `changed` names the arrays to look at again.
    """

    def __init__(self) -> None:
        self._arrays = Mirror[Array]()
        self._members = Mirror[Member]()
        self._hostnames = Mirror[Hostnames]()
        self._leases = Mirror[LeaseRecord]()
        self._by_array: dict[ArrayId, dict[int, Member]] = defaultdict(dict)
        self._holders: dict[InstanceId, int] = {}
        self._succeeding: dict[ArrayId, set[int]] = defaultdict(set)
        self._noticed: dict[ArrayId, dict[str, Notice]] = defaultdict(dict)
        self._numbers = count()
        self._begun = next(self._numbers)
        self._editions: dict[ArrayId, int] = {}
        self._listeners: dict[ArrayId, set[asyncio.Event]] = defaultdict(set)
        self.changed: set[ArrayId] = set()
        self.stirred = asyncio.Event()

    async def known(self) -> None:
        """Return once every record has been read."""
        await self._arrays.caught_up.wait()
        await self._members.caught_up.wait()
        await self._leases.caught_up.wait()

    def array(self, array_id: ArrayId) -> Entry[Array] | None:
        """Return the array's record as last seen."""
        return self._arrays.get(array_id)

    def arrays(self) -> dict[ArrayId, Array]:
        """Return every array."""
        return {entry.value.id: entry.value for entry in self._arrays.items().values()}

    def living(self, region: str) -> dict[ArrayId, Array]:
        """Return the arrays of a region that are not over."""
        return {
            entry.value.id: entry.value
            for entry in self._arrays.items().values()
            if entry.value.region == region and not entry.value.state.is_over
        }

    def lease(self, array_id: ArrayId) -> Lease | None:
        """Return the array's lease as the TTL service has last set it."""
        entry = self._leases.get(array_id)
        return None if entry is None else entry.value.lease

    def own_leases(self, array_id: ArrayId) -> dict[int, Lease]:
        """Return the leases of the ranks that have their own, as the array's record lists them."""
        parent = self._leases.get(array_id)
        ranks = () if parent is None else parent.value.own
        entries = ((rank, self._leases.get(lease_key(array_id, rank))) for rank in ranks)
        return {rank: entry.value.lease for rank, entry in entries if entry is not None}

    def member(self, array_id: ArrayId, rank: int) -> Entry[Member] | None:
        """Return one member's record as last seen."""
        return self._members.get(member_key(array_id, rank))

    def holder(self, array_id: ArrayId, instance_id: InstanceId) -> Member | None:
        """Return the member that an instance fills, or has filled and may still be there."""
        rank = self._holders.get(instance_id)
        entry = None if rank is None else self.member(array_id, rank)
        found = None if entry is None else entry.value
        known = found is not None and instance_id in {each.id for each in found.instances}
        return found if known else None

    def is_succeeding(self, array_id: ArrayId) -> bool:
        """Say whether an array has instances that were succeeded and may still be there."""
        return bool(self._succeeding.get(array_id))

    def notices(self, array_id: ArrayId) -> dict[InstanceId, tuple[Notice, ...]]:
        """Return what the cloud has announced of an array's instances."""
        found: dict[InstanceId, tuple[Notice, ...]] = {}
        for notice in self._noticed.get(array_id, {}).values():
            found[notice.instance_id] = (*found.get(notice.instance_id, ()), notice)
        return found

    def note_notice(self, change: Change[Notice]) -> None:
        """Take over a newer state of what the cloud has announced."""
        match change:
            case Entry(key=key, value=notice):
                self._noticed[notice.array_id][key] = notice
                self.stir(notice.array_id)
            case Deleted(key=key):
                for noticed in self._noticed.values():
                    noticed.pop(key, None)
            case Restarted():
                self._noticed.clear()
            case _:
                pass

    def members(self, array_id: ArrayId) -> dict[int, Member]:
        """Return an array's members by rank, as they are now."""
        return dict(self._by_array.get(array_id, {}))

    def edition(self, array_id: ArrayId) -> int:
        """Return a number that is another one after any change of the array that is seen here."""
        return self._editions.get(array_id, self._begun)

    def _edit_all(self) -> None:
        self._editions.clear()
        self._begun = next(self._numbers)

    def _edit(self, array_id: ArrayId) -> None:
        self._editions[array_id] = next(self._numbers)

    def hostnames(self, array_id: ArrayId) -> Hostnames | None:
        """Return the names of an array's machines, as the DNS service last wrote them."""
        entry = self._hostnames.get(array_id)
        return None if entry is None else entry.value

    def note_hostnames(self, change: Change[Hostnames]) -> None:
        """Take over a newer state of an array's names."""
        self._hostnames.take(change)
        match change:
            case Entry(value=named):
                self._edit(named.array_id)
                self.stir(named.array_id)
            case Deleted(key=key):
                self._edit(ArrayId(key))
            case _:
                self._edit_all()

    def note_array(self, change: Change[Array]) -> None:
        """Take over a newer state of an array; what is known already stirs nobody."""
        is_news = isinstance(change, Entry) and _is_newer(change, self._arrays.get(change.key))
        self._arrays.take(change)
        if isinstance(change, Entry) and is_news:
            self._edit(change.value.id)
            self.stir(change.value.id)

    def note_lease(self, change: Change[LeaseRecord]) -> None:
        """Take over a newer state of a lease; one that the array has already stirs nobody."""
        self._leases.take(change)
        if not isinstance(change, Entry):
            return
        known = self._arrays.get(change.key)
        if known is None or change.value.own or known.value.lease != change.value.lease:
            self.stir(change.value.array_id)

    def note_member(self, change: Change[Member]) -> None:
        """Take over a newer state of a member; what is known already stirs nobody."""
        before = self._members.get(change.key) if isinstance(change, Entry | Deleted) else None
        self._members.take(change)
        match change:
            case Entry(key=key, value=member) if self._members.get(key) is change:
                self._forget_holder(before)
                self._by_array[member.array_id][member.rank] = member
                self._note_instances(member)
                self._edit(member.array_id)
                self.stir(member.array_id)
            case Deleted(key=key) if before is not None and self._members.get(key) is None:
                self._forget_holder(before)
                self._by_array.get(before.value.array_id, {}).pop(before.value.rank, None)
                self._edit(before.value.array_id)
            case Restarted():
                self._by_array.clear()
                self._holders.clear()
                self._succeeding.clear()
                self._edit_all()
            case _:
                pass

    def _forget_holder(self, before: Entry[Member] | None) -> None:
        for instance in before.value.instances if before is not None else ():
            self._holders.pop(instance.id, None)

    def _note_instances(self, member: Member) -> None:
        self._holders |= dict.fromkeys((each.id for each in member.instances), member.rank)
        succeeding = self._succeeding[member.array_id]
        succeeding.discard(member.rank)
        if member.is_succeeding:
            succeeding.add(member.rank)

    def forget(self, array_id: ArrayId) -> None:
        """Drop the index of an array whose records are deleted."""
        for member in self._by_array.pop(array_id, {}).values():
            for instance in member.instances:
                self._holders.pop(instance.id, None)
        self._succeeding.pop(array_id, None)
        self._noticed.pop(array_id, None)
        self._editions.pop(array_id, None)
        self.changed.discard(array_id)

    def listen(self, array_id: ArrayId) -> asyncio.Event:
        """Return an event that is set by every change of the array, until `unlisten`."""
        event = asyncio.Event()
        self._listeners[array_id].add(event)
        return event

    def unlisten(self, array_id: ArrayId, event: asyncio.Event) -> None:
        """Stop setting an event."""
        self._listeners[array_id].discard(event)
        if not self._listeners[array_id]:
            del self._listeners[array_id]

    def stir(self, array_id: ArrayId) -> None:
        """Have an array looked at again."""
        self.changed.add(array_id)
        self.stirred.set()
        for event in self._listeners.get(array_id, ()):
            event.set()


def _is_newer(entry: Entry[Any], known: Entry[Any] | None) -> bool:
    return known is None or entry.revision > known.revision


_REFUSED = timedelta(minutes=1)
"""How long a refusal counts: an end of a lease that wants machines off is then tried again."""


def _is_fresh(refusal: tuple[str, datetime], now: datetime) -> bool:
    return now - refusal[1] < _REFUSED


class Memory:
    """What this replica remembers between decisions; losing it costs time, never an instance."""

    def __init__(self) -> None:
        self.exhausted: dict[Pool, datetime] = {}
        self.calls: dict[ArrayId, Counter[str]] = defaultdict(Counter)
        self.published: dict[str, int] = {}
        self.told: dict[ArrayId, int] = {}
        self.jobs: dict[ArrayId, JobSpec | None] = {}
        self.rolls: dict[ArrayId, tuple[int, Roll]] = {}
        self.encoded_peers: dict[ArrayId, tuple[int, tuple[bytes, ...]]] = {}
        self.published_agents: dict[str, datetime] = {}
        self.places: dict[bytes, tuple[datetime, Places]] = {}
        self.listed: ListedQuotes = {}
        self.spot_prices: dict[tuple[str, tuple[str, ...]], tuple[datetime, SpotQuotes]] = {}
        self.looking = WeakValueDictionary[bytes, asyncio.Lock]()
        self.locks: dict[ArrayId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.seen: dict[str, datetime] = {}
        self._refused: dict[InstanceId, tuple[str, datetime]] = {}
        self.hinted: dict[InstanceId, ArrayId] = {}
        self.hint_came = asyncio.Event()
        self.looks: dict[ArrayId, tuple[datetime, CloudReport]] = {}

    def refuse(self, reasons: Mapping[InstanceId, str], now: datetime) -> None:
        """Note why instances were not stopped or started, and forget what was long ago."""
        self._refused = {id_: each for id_, each in self._refused.items() if _is_fresh(each, now)}
        self._refused |= {id_: (why, now) for id_, why in reasons.items()}

    def refused(self, now: datetime) -> dict[InstanceId, tuple[str, datetime]]:
        """Return why, and when, instances were not stopped or started within the last minute."""
        return {id_: each for id_, each in self._refused.items() if _is_fresh(each, now)}

    def count(self, array_ids: Iterable[ArrayId], api: str) -> None:
        """Count one AWS call for the arrays that it was made for."""
        for array_id in array_ids:
            self.calls[array_id][api] += 1

    def forget_places(self, now: datetime) -> None:
        """Drop places that are too old to be used again."""
        self.places = {key: known for key, known in self.places.items() if known[0] > now}
        self.spot_prices = {k: known for k, known in self.spot_prices.items() if known[0] > now}

    def forget(self, array_id: ArrayId) -> None:
        """Drop what is known of an array that is over."""
        self.calls.pop(array_id, None)
        self.told.pop(array_id, None)
        self.locks.pop(array_id, None)
        self.looks.pop(array_id, None)
        self.forget_answers(array_id)

    def forget_answers(self, array_id: ArrayId) -> None:
        """Drop what machines were answered with: any replica may have done so."""
        self.jobs.pop(array_id, None)
        self.rolls.pop(array_id, None)
        self.encoded_peers.pop(array_id, None)
