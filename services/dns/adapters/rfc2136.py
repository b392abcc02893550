"""A zone that takes dynamic updates (RFC 2136), signed with TSIG (RFC 8945).

An update carries what it expects to find as prerequisites, so that the server itself compares
and swaps; all of it is done, or none. The zone is listed by a transfer (RFC 5936), which the key
must be allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import dns.asyncquery
import dns.exception
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.update
import dns.xfr
import dns.zone

from spawn.contracts.zones import BatchLimits, Change, Record, RecordType, is_under, quoted
from spawn.errors import Cause, Conflict, Outcome, Rejected, Transient

LIMITS = BatchLimits(values=400, characters=16_000)
"""Both sides of each change, and what is expected, fit into a message of 64 KiB over TCP."""

_WITHIN = timedelta(seconds=10)
_PORT = 53
_UNMET = {dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN}
_LATER = {dns.rcode.SERVFAIL}


@dataclass(frozen=True)
class Key:
    """A TSIG key; without a name updates are not signed. `secret` is in base64."""

    name: str
    secret: str = field(repr=False)
    algorithm: str


class UpdatedZone:
    """The records at and below `base` of a zone that takes dynamic updates."""

    limits = LIMITS
    spreads_within = timedelta(0)

    def __init__(self, server: str, *, zone: str, base: str, key: Key) -> None:
        self._host, self._port = _address(server)
        self._zone = dns.name.from_text(zone)
        self._base = base
        self._key = _keyring(key) if key.name else None

    async def records(self) -> tuple[Record, ...]:
        """Return every record at or below the base."""
        found = dns.zone.Zone(self._zone, relativize=False)
        query, _ = dns.xfr.make_query(found, keyring=self._key)
        try:
            await dns.asyncquery.inbound_xfr(
                self._host,
                found,
                query,
                port=self._port,
                lifetime=_WITHIN.total_seconds(),
                udp_mode=dns.query.UDPMode.NEVER,
            )
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise _outcome(error, "the zone's transfer") from error
        read = (_read(name, rdataset) for name, rdataset in found.iterate_rdatasets())
        return tuple(each for each in read if is_under(each.name, self._base))

    async def change(self, changes: tuple[Change, ...]) -> str:
        """Make all changes at once, or none.

        Raises `Conflict` when the zone is not as a change says that it is before.
        """
        update = dns.update.UpdateMessage(self._zone, keyring=self._key)
        for each in changes:
            _expect(update, each)
        for each in changes:
            _perform(update, each)
        try:
            answer = await dns.asyncquery.tcp(
                update, self._host, port=self._port, timeout=_WITHIN.total_seconds()
            )
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise _outcome(error, "the update") from error
        _check(answer.rcode())
        return ""

    async def is_everywhere(self, change_id: str) -> bool:
        """Say yes: the server that took a change answers with it; its secondaries are its own."""
        return change_id == ""


def _expect(update: dns.update.UpdateMessage, change: Change) -> None:
    name, kind = change.key
    if change.before is not None:
        # Values are compared; the time to live is not (RFC 2136 §2.4.2).
        update.present(_name(name), *_values(change.before))
    else:
        update.absent(_name(name), kind)
        # An address beside an alias would be passed over in silence (RFC 2136 §3.4.2.2).
        update.absent(_name(name), "CNAME")


def _perform(update: dns.update.UpdateMessage, change: Change) -> None:
    name, kind = change.key
    if change.before is not None:
        update.delete(_name(name), kind)
    if change.after is not None:
        ttl = int(change.after.ttl.total_seconds())
        update.add(_name(name), dns.rdataset.from_rdata_list(ttl, _values(change.after)))


def _values(record: Record) -> list[dns.rdata.Rdata]:
    is_text = record.type == RecordType.TXT
    texts = [quoted(each) for each in record.values] if is_text else record.values
    return [dns.rdata.from_text(dns.rdataclass.IN, record.type, each) for each in texts]


def _read(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> Record:
    kind = dns.rdatatype.to_text(rdataset.rdtype)
    plain = name.to_text(omit_final_dot=True).lower()
    # The stubs don't say what a set of values holds.
    held = cast("Iterable[dns.rdata.Rdata]", rdataset)
    values = (_text(each) if kind == RecordType.TXT else each.to_text() for each in held)
    return Record(plain, kind, tuple(values), timedelta(seconds=rdataset.ttl))


def _text(value: dns.rdata.Rdata) -> str:
    strings: Iterable[bytes] = getattr(value, "strings", ())
    return b"".join(strings).decode(errors="replace")


def _name(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


def _check(code: dns.rcode.Rcode) -> None:
    if code == dns.rcode.NOERROR:
        return
    said = f"the name server answers an update with {dns.rcode.to_text(code)}"
    if code in _UNMET:
        raise Conflict(said, code=dns.rcode.to_text(code), cause=Cause.EXISTS)
    if code in _LATER:
        raise Transient(said, code=dns.rcode.to_text(code), cause=Cause.INTERNAL)
    cause = Cause.PERMISSION if code in {dns.rcode.REFUSED, dns.rcode.NOTAUTH} else Cause.INVALID
    raise Rejected(said, code=dns.rcode.to_text(code), cause=cause)


def _outcome(error: Exception, what: str) -> Outcome:
    code = type(error).__name__
    if isinstance(error, (dns.tsig.PeerError, dns.tsig.BadSignature, dns.xfr.TransferError)):
        return Rejected(
            f"{what}: {error}; check SPAWN_DNS_TSIG_NAME and its key, and that the server lets"
            " it transfer and update the zone",
            code=code,
            cause=Cause.PERMISSION,
        )
    return Transient(f"{what}: {code}: {error}", code=code)


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":") if ":" in server else (server, "", str(_PORT))
    if not host or not port.isdecimal():
        raise Rejected(
            f"SPAWN_DNS_SERVER={server!r}: use host:port, such as 192.0.2.53:53",
            field="SPAWN_DNS_SERVER",
        )
    return host.strip("[]"), int(port)


def _keyring(key: Key) -> dns.tsig.Key:
    try:
        return dns.tsig.Key(key.name, key.secret, key.algorithm)
    except (ValueError, dns.exception.DNSException):
        # What these say may hold the secret.
        raise Rejected(
            "SPAWN_DNS_TSIG_NAME, the secret in SPAWN_DNS_TSIG_FILE (base64) and"
            " SPAWN_DNS_TSIG_ALGORITHM make no key",
            field="SPAWN_DNS_TSIG_FILE",
        ) from None
