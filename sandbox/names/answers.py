"""What a question is answered with: pure, and total in what arrives.

https://www.rfc-editor.org/rfc/rfc1034#section-4.3.2, without delegation and wildcards, which
the zones of this deployment do not have.
"""

from collections.abc import Collection
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rrset
from dns.message import Message, QueryMessage
from dns.name import Name
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import IN
from dns.rdataset import Rdataset
from dns.rdatatype import RdataType

from sandbox.names.zones import Zone, find_zone, values_of

PLAIN_UDP = 512
"""Bytes of an answer without EDNS (https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)."""
LARGEST_UDP = 1232
"""What fits into one packet on any path (https://www.dnsflagday.net/2020/)."""
LARGEST = 65_535
"""Bytes that TCP's length field can say."""

_TRANSFERS = (RdataType.AXFR, RdataType.IXFR)
"""Whole zones, which nobody is given (https://www.rfc-editor.org/rfc/rfc5936#section-2.2.1)."""

_HEADER = 12
_MOST_ALIASES = 8
_RESPONSE = 0x80


def answer(wire: bytes, zones: Collection[Zone], *, over_udp: bool) -> bytes | None:
    """Return the answer to a question in wire format; None when it deserves none."""
    # Answering an answer would let two servers talk to one another for ever.
    if len(wire) < _HEADER or wire[2] & _RESPONSE:
        return None
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError):
        return _unreadable(wire)
    return _fitting(_respond(query, zones), _limit(query) if over_udp else LARGEST)


def _respond(query: Message, zones: Collection[Zone]) -> Message:
    if query.edns > 0:
        response = dns.message.make_response(query, our_payload=LARGEST_UDP)
        response.set_rcode(Rcode.BADVERS)
        return response
    response = dns.message.make_response(query, our_payload=LARGEST_UDP)
    if query.opcode() != Opcode.QUERY or not isinstance(query, QueryMessage):
        response.set_rcode(Rcode.NOTIMP)
    elif len(query.question) != 1:
        response.set_rcode(Rcode.FORMERR)
    elif query.question[0].rdclass != IN or query.question[0].rdtype in _TRANSFERS:
        response.set_rcode(Rcode.REFUSED)
    else:
        _look_up(response, zones)
    return response


def _look_up(response: Message, zones: Collection[Zone]) -> None:
    name, kind = response.question[0].name, response.question[0].rdtype
    zone = find_zone(zones, name)
    if zone is None:
        # A resolver with another server to ask asks that one.
        response.set_rcode(Rcode.REFUSED)
        return
    response.flags |= dns.flags.AA
    for _ in range(_MOST_ALIASES):
        alias = zone.names.get(name, {}).get(RdataType.CNAME)
        if alias is None or kind in {RdataType.CNAME, RdataType.ANY}:
            break
        _add(response, name, alias)
        name = _target(alias)
        zone = find_zone(zones, name)
        if zone is None:
            return
    sets = zone.names.get(name, {})
    found = [each for each in sets.values() if kind in {each.rdtype, RdataType.ANY}]
    for each in found:
        _add(response, name, each)
    if not found:
        _say_none(response, zone, name)


def _target(alias: Rdataset) -> Name:
    value: Any = values_of(alias)[0]
    return value.target


def _add(response: Message, name: Name, values: Rdataset) -> None:
    response.answer.append(dns.rrset.from_rdata_list(name, values.ttl, values_of(values)))


def _say_none(response: Message, zone: Zone, name: Name) -> None:
    """Say that there is no such record, or no such name, and for how long that is true."""
    if name not in zone.names and name not in zone.branches:
        response.set_rcode(Rcode.NXDOMAIN)
    authority = zone.names.get(zone.origin, {}).get(RdataType.SOA)
    if authority is None:
        return
    soa: Any = values_of(authority)[0]
    # https://www.rfc-editor.org/rfc/rfc2308#section-5
    ttl = min(authority.ttl, int(soa.minimum))
    response.authority.append(dns.rrset.from_rdata_list(zone.origin, ttl, [soa]))


def _limit(query: Message) -> int:
    if query.edns < 0:
        return PLAIN_UDP
    return max(PLAIN_UDP, min(query.payload, LARGEST_UDP))


def _fitting(response: Message, limit: int) -> bytes:
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.answer.clear()
        response.authority.clear()
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=limit)


def _unreadable(wire: bytes) -> bytes:
    """Return FORMERR to the id of what can't be read, with nothing of it repeated."""
    response = Message(id=int.from_bytes(wire[:2]))
    response.flags = dns.flags.QR
    response.set_rcode(Rcode.FORMERR)
    return response.to_wire()
