"""Zones: records of the domain name system, and how they are changed.

Names are lower-case and without a dot at their end; a target inside of a value has one.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

import msgspec

_LONGEST_STRING = 255


class RecordType(StrEnum):
    """The types that we write; a zone holds others, too.

    (https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml#dns-parameters-4).
    """

    A = "A"
    AAAA = "AAAA"
    SRV = "SRV"
    TXT = "TXT"


class Record(msgspec.Struct, frozen=True, gc=False):
    """All values of one name and type.

    The text of a TXT is one value, however it is cut on the wire. A record without values is one
    that only its zone's vendor can read, such as an alias: it is there, and is not ours.
    """

    name: str
    type: str
    values: tuple[str, ...]
    ttl: timedelta

    @property
    def key(self) -> tuple[str, str]:
        """The name and the type: a zone holds one record of a key."""
        return self.name, self.type

    def is_as(self, other: "Record | None") -> bool:
        """Say whether a zone answers the same with either; the order of values is not compared."""
        return self == other or (
            other is not None
            and (self.name, self.type, self.ttl) == (other.name, other.type, other.ttl)
            and sorted(self.values) == sorted(other.values)
        )


class Change(msgspec.Struct, frozen=True, gc=False):
    """A record as it must stand, and as it is to be; None is for no record.

    A zone refuses the change when it does not find `before` exactly as it is said to be.
    """

    before: Record | None
    after: Record | None

    @property
    def key(self) -> tuple[str, str]:
        """The name and the type of the record."""
        one = self.after or self.before
        if one is None:
            raise ValueError("a change has a record before it, or after it")
        return one.key


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one atomic change may hold; each side of a `Change` counts by itself."""

    values: int
    characters: int


def quoted(text: str) -> str:
    """Write the value of a TXT as zone files do: quoted strings of at most 255 characters.

    (RFC 1035 §3.3, §5.1).
    """
    starts = range(0, max(len(text), 1), _LONGEST_STRING)
    pieces = (text[at : at + _LONGEST_STRING] for at in starts)
    escaped = (each.replace("\\", "\\\\").replace('"', '\\"') for each in pieces)
    return " ".join(f'"{each}"' for each in escaped)


def is_under(name: str, base: str) -> bool:
    """Say whether a name is `base` or stands below it."""
    return name == base or name.endswith(f".{base}")


def by_key(records: Iterable[Record]) -> dict[tuple[str, str], Record]:
    """Index records by name and type."""
    return {each.key: each for each in records}
