"""Route 53: one hosted zone, at and below a base.

Every change names what it expects to find: a record that is to change is deleted with its exact
values and created anew in the same atomic batch, where an UPSERT would overwrite what another has
written. Both cost the same (https://docs.aws.amazon.com/Route53/latest/APIReference/
API_ChangeResourceRecordSets.html).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from spawn.contracts.zones import BatchLimits, Change, Record, RecordType, is_under, quoted
from spawn.errors import Cause, Conflict, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from types_aiobotocore_route53 import Route53Client
    from types_aiobotocore_route53.type_defs import (
        ChangeTypeDef,
        ListResourceRecordSetsRequestTypeDef,
        ListResourceRecordSetsResponseTypeDef,
        ResourceRecordSetOutputTypeDef,
        ResourceRecordSetUnionTypeDef,
    )

    from spawn.aws.calls import Calls

LIMITS = BatchLimits(values=1_000, characters=30_000)
"""Route 53 takes 1,000 values and 32,000 characters; quotes and escapes are left room for
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html)."""

_PAGE = "300"
_IN_SYNC = "INSYNC"
_BATCH = "InvalidChangeBatch"
_CONFLICTS = ("already exists", "was not found", "do not match")
"""What Route 53 says of a record that is not as a change expects it
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-api.html)."""

_ESCAPED = re.compile(r"\\([0-7]{3})")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class HostedZone:
    """The records of one hosted zone at and below `base`."""

    limits = LIMITS
    spreads_within = timedelta(seconds=2)

    def __init__(
        self,
        client: Callable[[], Awaitable[Route53Client]],
        calls: Calls,
        *,
        zone_id: str,
        base: str,
    ) -> None:
        self._client = client
        self._calls = calls
        self._zone_id = zone_id
        self._base = base

    async def records(self) -> tuple[Record, ...]:
        """Return every record at or below the base."""
        found: list[Record] = []
        # Names below the base follow it: they are sorted with their labels turned round.
        request: ListResourceRecordSetsRequestTypeDef = {
            "HostedZoneId": self._zone_id,
            "StartRecordName": self._base,
            "MaxItems": _PAGE,
        }
        while True:
            page = await self._page(request)
            read = [_read(each) for each in page["ResourceRecordSets"]]
            found += (each for each in read if is_under(each.name, self._base))
            is_past = bool(read) and not is_under(read[-1].name, self._base)
            if not page["IsTruncated"] or is_past:
                return tuple(found)
            request["StartRecordName"] = page["NextRecordName"]
            request["StartRecordType"] = page["NextRecordType"]
            if identifier := page.get("NextRecordIdentifier"):
                request["StartRecordIdentifier"] = identifier

    async def change(self, changes: tuple[Change, ...]) -> str:
        """Make all changes at once, or none; return the change's id.

        Raises `Conflict` when the zone is not as a change says that it is before.
        """
        client = await self._client()
        batch = list(_actions(changes))
        try:
            answer = await self._calls.repeat(
                "ChangeResourceRecordSets",
                lambda: client.change_resource_record_sets(
                    HostedZoneId=self._zone_id, ChangeBatch={"Changes": batch}
                ),
            )
        except Rejected as error:
            if error.code == _BATCH and any(text in error.message for text in _CONFLICTS):
                raise Conflict(error.message, code=error.code, cause=Cause.EXISTS) from error
            raise
        return answer["ChangeInfo"]["Id"].rpartition("/")[2]

    async def is_everywhere(self, change_id: str) -> bool:
        """Say whether all of Route 53's name servers answer with a change; forgotten ones do."""
        client = await self._client()
        try:
            answer = await self._calls.repeat("GetChange", lambda: client.get_change(Id=change_id))
        except NotFound:
            return True
        return answer["ChangeInfo"]["Status"] == _IN_SYNC

    async def _page(
        self, request: ListResourceRecordSetsRequestTypeDef
    ) -> ListResourceRecordSetsResponseTypeDef:
        client = await self._client()
        return await self._calls.repeat(
            "ListResourceRecordSets", lambda: client.list_resource_record_sets(**request)
        )


def _actions(changes: tuple[Change, ...]) -> Iterator[ChangeTypeDef]:
    for each in changes:
        if each.before is not None:
            yield {"Action": "DELETE", "ResourceRecordSet": _write(each.before)}
    for each in changes:
        if each.after is not None:
            yield {"Action": "CREATE", "ResourceRecordSet": _write(each.after)}


def _write(record: Record) -> ResourceRecordSetUnionTypeDef:
    is_text = record.type == RecordType.TXT
    values = [quoted(each) for each in record.values] if is_text else record.values
    return {
        "Name": record.name,
        "Type": record.type,  # pyright: ignore[reportReturnType] - the stubs list the types of their day
        "TTL": int(record.ttl.total_seconds()),
        "ResourceRecords": [{"Value": each} for each in values],
    }


def _read(found: ResourceRecordSetOutputTypeDef) -> Record:
    # Aliases and the records of a routing policy have no values that are one answer.
    plain = "SetIdentifier" not in found and "AliasTarget" not in found
    values = [each["Value"] for each in found.get("ResourceRecords", [])] if plain else []
    kind = str(found["Type"])
    if kind == RecordType.TXT:
        values = [_unquote(each) for each in values]
    ttl = timedelta(seconds=found.get("TTL", 0))
    return Record(_plain_name(found["Name"]), kind, tuple(values), ttl)


def _plain_name(name: str) -> str:
    # Route 53 writes an asterisk as \052 (.../DomainNameFormat.html).
    unescaped = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), name)
    return unescaped.lower().removesuffix(".")


def _unquote(value: str) -> str:
    pieces = _QUOTED.findall(value)
    if not pieces:
        return value
    octal = (_ESCAPED.sub(lambda match: chr(int(match[1], 8)), each) for each in pieces)
    return "".join(re.sub(r"\\(.)", r"\1", each) for each in octal)
