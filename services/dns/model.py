"""The DNS service's own nouns: what is wanted of a zone, what is ours in it, and steps between."""

from datetime import timedelta

import msgspec

from spawn.contracts.hostnames import Host
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import AddressKind
from spawn.contracts.zones import Change, Record

Key = tuple[str, str]
"""The name and the type of a record."""


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """How this deployment names machines."""

    deployment: str
    base: str
    ttl: timedelta
    address: AddressKind


class Slot(msgspec.Struct, frozen=True, order=True, gc=False):
    """The place of one record of a stem. `number` is a rank, or the number of a group's part.

    `kind` is `a` or `aaaa` for a rank, `group-a`, `group-aaaa` or `group-srv` for all members.
    """

    kind: str
    number: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to stand in the zone for one array, by slot."""

    array_id: ArrayId
    stem: str
    size: int
    records: dict[Slot, Record] = {}
    hosts: tuple[Host, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an array's names are in the zone as they should be; `grouped`: the group's is."""

    hosts: tuple[Host, ...] = ()
    grouped: bool = False


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of a stem are ours: what its TXT record says."""

    deployment: str
    array_id: ArrayId
    size: int
    slots: frozenset[Slot] = frozenset()


class Edit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record to be changed, with its place in the order of urgency (lower goes first).

    A `change` of None only gives up the slot: what was there is gone already. `gain` counts the
    values that a record lacks.
    """

    stem: str
    slot: Slot
    change: Change | None
    urgency: int
    gain: int = 0


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """A name that can't be made, and why."""

    stem: str
    name: str
    reason: str


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the new records of a stem are."""

    array_id: ArrayId
    size: int
