"""A change batch done to the record sets of a zone: all of it, or nothing and why.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dns.exception
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import RecordSet

from sandbox.names.zones import read_value

MOST_VALUES = 1000
MOST_CHARACTERS = 32_000
"""Both count an UPSERT twice
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html)."""
_MOST_VALUES_OF_A_NAME = 400

Key = tuple[str, str, str]
"""Name, type and set identifier: what is there once."""


class _Refused(Exception):  # noqa: N818  of one change, not of the call
    """Why one change can't be done."""


def change(zone: Any, changes: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the record sets of moto's `zone` after `changes`; the zone stays as it is.

    Raises `InvalidChangeBatch` with every reason against them.
    """
    _check_size(changes)
    sets = {_key_of(each): each for each in zone.rrsets}
    top = _absolute(zone.name)
    reasons: list[str] = []
    for each in changes:
        try:
            _do(sets, top, each)
        except _Refused as refused:
            reasons.append(str(refused))
    reasons += _conflicts(sets, top)
    if reasons:
        raise invalid(", ".join(reasons))
    return list(sets.values())


def invalid(reasons: str) -> Route53ClientError:
    """Return the refusal of a batch."""
    return Route53ClientError("InvalidChangeBatch", f"[{reasons}]")


def _check_size(changes: Sequence[Mapping[str, Any]]) -> None:
    values = characters = 0
    for each in changes:
        weight = 2 if each["Action"] == "UPSERT" else 1
        texts = _values(each["ResourceRecordSet"])
        values += weight * len(texts)
        characters += weight * sum(len(text) for text in texts)
    if values > MOST_VALUES:
        raise invalid(f"Number of records limit of {MOST_VALUES} exceeded.")
    if characters > MOST_CHARACTERS:
        raise invalid(f"Number of characters limit of {MOST_CHARACTERS} exceeded.")


def _do(sets: dict[Key, Any], top: str, change: Mapping[str, Any]) -> None:
    given: dict[str, Any] = dict(change["ResourceRecordSet"])
    given["Name"] = _absolute(given["Name"])
    given["ResourceRecords"] = _values(given)
    new: Any = RecordSet(given)
    key = _key_of(new)
    shown = f"resource record set [name='{new.name}', type='{new.type}']"
    if f".{new.name}".endswith(f".{top}"):
        match change["Action"]:
            case "DELETE":
                _check_deleted(sets.get(key), new, shown)
                del sets[key]
            case "CREATE" if key in sets:
                raise _Refused(f"Tried to create {shown} but it already exists")
            case _:
                _check_values(new, shown)
                sets[key] = new
    else:
        raise _Refused(f"RRSet with DNS name {new.name} is not permitted in zone {top}")


def _check_deleted(old: Any, named: Any, shown: str) -> None:
    if old is None:
        raise _Refused(f"Tried to delete {shown} but it was not found")
    if _content(old) != _content(named):
        raise _Refused(
            f"Tried to delete {shown} but the values provided do not match the current values"
        )


def _content(record_set: Any) -> tuple[Any, ...]:
    return int(record_set.ttl or 0), set(record_set.records or ()), record_set.alias_target


def _check_values(new: Any, shown: str) -> None:
    values: list[str] = new.records
    if not values and not new.alias_target:
        raise _Refused(f"Invalid {shown}: it has no values")
    if len(set(values)) < len(values):
        raise _Refused(f"Duplicate Resource Record in {shown}")
    if len(values) > _MOST_VALUES_OF_A_NAME:
        raise _Refused(f"Invalid {shown}: more than {_MOST_VALUES_OF_A_NAME} values")
    for value in values:
        try:
            read_value(str(new.type), value)
        except (dns.exception.DNSException, ValueError) as error:
            raise _Refused(f"Invalid Resource Record: {value!r} in {shown}") from error
        if new.type == "TXT" and not value.startswith('"'):
            raise _Refused(f"InvalidCharacterString: {value!r} of {shown} must be in quotes")


def _conflicts(sets: Iterable[Key], top: str) -> list[str]:
    """Say which names have a CNAME beside other records."""
    kinds: dict[str, set[str]] = {}
    for name, kind, _ in sets:
        kinds.setdefault(name, set()).add(kind)
    return [
        f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other"
        f" records with the same DNS name in zone {top}"
        for name, found in kinds.items()
        if "CNAME" in found and len(found) > 1
    ]


def _values(record_set: Mapping[str, Any]) -> list[str]:
    return [str(each["Value"]) for each in record_set.get("ResourceRecords") or ()]


def _key_of(record_set: Any) -> Key:
    identifier = str(record_set.set_identifier or "")
    return _absolute(record_set.name), str(record_set.type), identifier


def _absolute(name: str) -> str:
    return f"{name.rstrip('.').lower()}."
