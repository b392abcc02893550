"""Whether names resolve as the zone says, as seen from where the command line runs."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import msgspec

from spawn.contracts.hostnames import OwnedRecord, RecordCheck

_AT_ONCE = 20
_WITHIN_SECONDS = 10
_MOST_LOOKED_UP = 200
"""Names that are looked up: enough to see whether this host knows the zone."""
_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `spawn dns check`: a record that is not the same everywhere, and why."""

    name: str
    type: str
    array_id: str
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    why: str


Resolve = Callable[[OwnedRecord], Awaitable[set[str]]]
"""Looks the name of an address record up; nothing when it does not resolve."""


async def judge(
    told: RecordCheck, records: Sequence[OwnedRecord], resolve: Resolve
) -> list[Finding]:
    """Return the service's findings, and behind them what resolves otherwise than in the zone."""
    different = {(each.name, each.type) for each in told.differences}
    addressed = [
        each
        for each in records
        if each.type in _FAMILIES and (each.name, each.type) not in different
    ]
    mine = await _look_up(addressed[:_MOST_LOOKED_UP], resolve)
    return [
        *(msgspec.convert(msgspec.to_builtins(each), Finding) for each in told.differences),
        *(_unlike(each, found) for each, found in mine if found != set(each.values)),
    ]


def _unlike(record: OwnedRecord, resolved: set[str]) -> Finding:
    why = (
        "this host's resolver does not know the name: its zone may be private, or an answer from"
        " before is still kept"
        if not resolved
        else "this host's resolver keeps an answer from before, or asks another zone"
    )
    return Finding(
        name=record.name,
        type=record.type,
        array_id=record.array_id,
        wanted=record.values,
        found=record.values,
        resolved=tuple(sorted(resolved)),
        why=why,
    )


async def _look_up(
    records: Iterable[OwnedRecord], resolve: Resolve
) -> list[tuple[OwnedRecord, set[str]]]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(record: OwnedRecord) -> tuple[OwnedRecord, set[str]]:
        async with turns:
            return record, await resolve(record)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(each)) for each in records]
    return [task.result() for task in tasks]


async def by_this_host(record: OwnedRecord) -> set[str]:
    """Ask as every program of this host does."""
    loop = asyncio.get_running_loop()
    family = _FAMILIES[record.type]
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            found = await loop.getaddrinfo(
                record.name, None, family=family, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError, TimeoutError):
        return set()
    return {str(address[0]) for *_, address in found}


def by_name_server(port: int) -> Resolve:
    """Ask the laptop cloud's name server, which no resolver of this host knows of."""

    async def resolve(record: OwnedRecord) -> set[str]:
        query = dns.message.make_query(record.name, record.type)
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(
                query, "127.0.0.1", port=port, timeout=_WITHIN_SECONDS
            )
        except (OSError, dns.exception.DNSException):
            return set()
        found: list[Any] = answer.answer
        return {value.to_text() for values in found for value in values}

    return resolve
