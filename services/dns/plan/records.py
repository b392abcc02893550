"""What everybody is told of an array's names: its next record, and the events that it causes."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from services.dns.model import Blocked, Key, Naming, Slot, Standing, Wanted
from services.dns.plan.slots import WHOLE
from spawn.contracts.events import (
    Data,
    Event,
    HostnameRefused,
    HostnameRegistered,
    HostnameRemoved,
    event_id,
)
from spawn.contracts.hostnames import Host, Hostnames, RefusedName, group_name
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.zones import Record

SERVICE = "dns"

MOST_NEWS = 1_000
"""Names that come, and names that go, with one record: events have a largest size."""

MOST_REFUSED = 200
"""Refused names that are told: they mostly have one reason."""


def standing(wanted: Wanted, zone: Mapping[Key, Record]) -> Standing:
    """Return which names are in the zone as they should be."""

    def stands(kind: str, number: int) -> bool:
        record = wanted.records.get(Slot(kind, number))
        return record is not None and record.is_as(zone.get(record.key))

    return Standing(
        hosts=tuple(
            each for each in wanted.hosts if stands("a", each.rank) or stands("aaaa", each.rank)
        ),
        grouped=stands("group-a", WHOLE) or stands("group-aaaa", WHOLE),
    )


def told_of(record: Hostnames | None) -> Standing:
    """Return what everybody has been told."""
    if record is None:
        return Standing()
    return Standing(hosts=record.hosts, grouped=record.grouped)


def first_record(array_id: ArrayId, stem: str, size: int, base: str, now: datetime) -> Hostnames:
    """Return the record of an array of whose names nothing has been told; it is never written."""
    return Hostnames(array_id=array_id, stem=stem, base=base, size=size, changed_at=now, version=0)


def next_record(
    before: Hostnames,
    stands: Standing,
    *,
    blocked: Iterable[Blocked],
    naming: Naming,
    now: datetime,
) -> Hostnames:
    """Return the record that tells what `stands`; `before` itself when it does already.

    Of very many news it tells the first ones: the rest is for the next record.
    """
    hosts = _within(before.hosts, stands.hosts)
    refused = tuple(RefusedName(name=each.name, reason=each.reason) for each in blocked)
    refused = tuple(dict.fromkeys(refused))[:MOST_REFUSED]
    told = (before.hosts, before.grouped, before.refused)
    if (hosts, stands.grouped, refused) == told:
        return before
    after = msgspec.structs.replace(
        before,
        hosts=hosts,
        grouped=stands.grouped,
        refused=refused,
        version=before.version + 1,
        changed_at=now,
        outbox=(),
    )
    events = (_event(after, data, naming, now) for data in _news(before, after))
    return msgspec.structs.replace(after, outbox=(*before.outbox, *events))


def with_leaving(before: Hostnames, leaving: frozenset[InstanceId], now: datetime) -> Hostnames:
    """Return the record with these instances under notice; `before` itself when it says so."""
    if frozenset(before.leaving) == leaving:
        return before
    return msgspec.structs.replace(
        before, leaving=tuple(sorted(leaving)), version=before.version + 1, changed_at=now
    )


def _within(before: tuple[Host, ...], after: tuple[Host, ...]) -> tuple[Host, ...]:
    known = frozenset(before)
    come = [each for each in after if each not in known]
    ranks = {each.rank for each in after}
    gone = [each for each in before if each.rank not in ranks]
    if len(come) <= MOST_NEWS and len(gone) <= MOST_NEWS:
        return after
    late = {each.rank for each in come[MOST_NEWS:]}
    kept = [each for each in before if each.rank in late] + gone[MOST_NEWS:]
    return tuple(
        sorted(
            [*(each for each in after if each.rank not in late), *kept], key=lambda each: each.rank
        )
    )


def _news(before: Hostnames, after: Hostnames) -> Iterable[Data]:
    old, new = before.names(), after.names()
    come = tuple(after.name_of(rank) for rank, host in new.items() if old.get(rank) != host)
    gone = tuple(before.name_of(rank) for rank in sorted(old.keys() - new.keys()))
    group = (group_name(after.stem, base=after.base),)
    come = (*(group if after.grouped > before.grouped else ()), *come)
    gone = (*(group if after.grouped < before.grouped else ()), *gone)
    if come:
        yield HostnameRegistered(names=come)
    if gone:
        yield HostnameRemoved(names=gone)
    fresh = [each for each in after.refused if each not in before.refused]
    for reason in dict.fromkeys(each.reason for each in fresh):
        names = tuple(each.name for each in fresh if each.reason == reason)
        yield HostnameRefused(names=names, reason=reason)


def _event(record: Hostnames, data: Data, naming: Naming, now: datetime) -> Event:
    return Event(
        id=event_id(record.array_id, data, record.version),
        array_id=record.array_id,
        source=f"/spawn/{naming.deployment}/{SERVICE}",
        time=now,
        data=data,
    )
