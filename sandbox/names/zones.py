"""Zones as values to look names up in, kept in step with those of the emulated Route 53."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dns.name
import dns.rdata
import dns.rdatatype
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdataset import Rdataset
from dns.rdatatype import RdataType

_MOST_VALUES = 65_536
_ADDRESSES = (RdataType.A, RdataType.AAAA)


@dataclass(frozen=True)
class Zone:
    """One zone; `names` holds every name that has records, in any case of letters."""

    origin: Name
    names: Mapping[Name, Mapping[RdataType, Rdataset]]
    branches: frozenset[Name]
    """Names that have no records themselves, but names below them do."""

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Yield each name, without its last dot, with each of its addresses."""
        for name, sets in self.names.items():
            text = name.to_text(omit_final_dot=True).lower()
            for kind in _ADDRESSES:
                for value in values_of(sets.get(kind)):
                    yield text, value.to_text()


def values_of(values: Rdataset | None) -> list[Rdata]:
    """Return the values of a set, in order."""
    found: Any = values
    return list(found or ())


def make_zone(origin: str, record_sets: Iterable[Any]) -> Zone:
    """Make a zone of moto's record sets; aliases, which have no values, are left out."""
    top = dns.name.from_text(origin)
    names: dict[Name, dict[RdataType, Rdataset]] = {}
    for each in record_sets:
        sets = names.setdefault(_read_name(each.name), {})
        kind = dns.rdatatype.from_text(each.type)
        values = _read_set(each.type, tuple(each.records or ()), int(each.ttl or 0))
        sets[kind] = _joined(sets[kind], values) if kind in sets else values
    return Zone(top, names, _branches(top, names))


@lru_cache(maxsize=_MOST_VALUES)
def _read_name(text: str) -> Name:
    return dns.name.from_text(text)


@lru_cache(maxsize=_MOST_VALUES)
def _read_set(kind: str, values: tuple[str, ...], ttl: int) -> Rdataset:
    """Read a record set once: a zone is made anew with each change, and most of it stays.

    Nobody may change what is returned.
    """
    found = Rdataset(IN, dns.rdatatype.from_text(kind))
    for value in values:
        found.add(read_value(kind, value), ttl)
    return found


def _joined(one: Rdataset, other: Rdataset) -> Rdataset:
    """Return the values of two sets of a name, as weighted ones are."""
    found = Rdataset(IN, one.rdtype)
    for part in (one, other):
        for value in values_of(part):
            found.add(value, part.ttl)
    return found


@lru_cache(maxsize=_MOST_VALUES)
def read_value(kind: str, value: str) -> Rdata:
    """Read a value as Route 53 writes it: names are absolute, with or without their last dot.

    Raises `dns.exception.DNSException`, or ValueError.
    """
    return dns.rdata.from_text(IN, kind, value, origin=dns.name.root, relativize=False)


def find_zone(zones: Iterable[Zone], name: Name) -> Zone | None:
    """Return the zone that a name belongs to: the innermost one."""
    fits = [zone for zone in zones if name.is_subdomain(zone.origin)]
    return max(fits, key=lambda zone: len(zone.origin), default=None)


class Zones:
    """The zones as they are now; changed in moto's thread, read in any."""

    def __init__(self, on_change: Callable[[Iterable[Zone]], None]) -> None:
        self._on_change = on_change
        self._by_id: dict[str, Zone] = {}

    def now(self) -> tuple[Zone, ...]:
        """Return all zones."""
        return tuple(self._by_id.values())

    def changed(self, hosted: Any) -> None:
        """Read one of moto's hosted zones anew."""
        zone = make_zone(hosted.name, hosted.rrsets)
        self._replace({**self._by_id, hosted.resource_id: zone})

    def removed(self, hosted: Any) -> None:
        """Forget one of moto's hosted zones."""
        self._replace({k: v for k, v in self._by_id.items() if k != hosted.resource_id})

    def _replace(self, zones: dict[str, Zone]) -> None:
        # One assignment: whoever answers sees the zones before a change or after it.
        self._by_id = zones
        self._on_change(zones.values())


def _branches(top: Name, names: Iterable[Name]) -> frozenset[Name]:
    found: set[Name] = set()
    for name in names:
        above = name
        while above != top and above.is_subdomain(top):
            above = above.parent()
            found.add(above)
    return frozenset(found.difference(names))
