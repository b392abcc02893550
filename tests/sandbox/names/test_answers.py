"""What questions are answered with."""

from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.route53.models import RecordSet

from sandbox.names.answers import LARGEST_UDP, PLAIN_UDP, answer
from sandbox.names.zones import Zone, make_zone

BASE = "team.test"
MANY = [f"127.30.{number // 200}.{number % 200 + 1}" for number in range(300)]


def record(name: str, kind: str, *values: str, ttl: int = 30) -> Any:
    return RecordSet(
        {"Name": f"{name}.", "Type": kind, "TTL": ttl, "ResourceRecords": list(values)}
    )


ZONE = make_zone(
    f"{BASE}.",
    [
        record(BASE, "SOA", "ns.test. admin.team.test. 1 7200 900 1209600 60", ttl=900),
        record(BASE, "NS", "ns.test", ttl=3600),
        record(f"training-0.{BASE}", "A", "127.30.0.1"),
        record(f"training-0.{BASE}", "AAAA", "::1"),
        record(f"training.{BASE}", "A", "127.30.0.1", "127.30.0.2"),
        record(f"many.{BASE}", "A", *MANY),
        record(f"_spawn._tcp.training.{BASE}", "SRV", f"0 0 20000 training-0.{BASE}."),
        record(f"_spawn.training.{BASE}", "TXT", '"deployment=d"'),
        record(f"leader.{BASE}", "CNAME", f"training-0.{BASE}"),
        record(f"away.{BASE}", "CNAME", "elsewhere.example"),
        record(f"loop.{BASE}", "CNAME", f"loop.{BASE}"),
    ],
)
INNER = make_zone("inner.team.test.", [record("a.inner.team.test", "A", "127.30.0.9")])


def ask(
    name: str, kind: str = "A", *, over_udp: bool = True, zones: tuple[Zone, ...] = (ZONE, INNER)
) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=False)
    reply = answer(query.to_wire(), zones, over_udp=over_udp)
    assert reply is not None
    response = dns.message.from_wire(reply)
    assert response.id == query.id
    return response


def values(response: dns.message.Message) -> list[str]:
    found: list[Any] = response.answer
    return sorted(each.to_text() for rrset in found for each in rrset)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param(f"training-0.{BASE}", "A", ["127.30.0.1"], id="a rank"),
        pytest.param(f"TRAINING-0.{BASE.upper()}", "A", ["127.30.0.1"], id="in capitals"),
        pytest.param(f"training-0.{BASE}", "AAAA", ["::1"], id="IPv6"),
        pytest.param(f"training.{BASE}", "A", ["127.30.0.1", "127.30.0.2"], id="a group"),
        pytest.param(
            f"_spawn._tcp.training.{BASE}",
            "SRV",
            [f"0 0 20000 training-0.{BASE}."],
            id="a service",
        ),
        pytest.param(f"_spawn.training.{BASE}", "TXT", ['"deployment=d"'], id="a text"),
        pytest.param(BASE, "NS", ["ns.test."], id="name servers"),
        pytest.param(
            f"leader.{BASE}", "A", ["127.30.0.1", f"training-0.{BASE}."], id="an alias, followed"
        ),
        pytest.param(f"leader.{BASE}", "CNAME", [f"training-0.{BASE}."], id="an alias itself"),
        pytest.param(f"away.{BASE}", "A", ["elsewhere.example."], id="an alias out of our zones"),
        pytest.param("a.inner.team.test", "A", ["127.30.0.9"], id="the innermost zone"),
    ],
)
def test_what_is_there_is_answered(name: str, kind: str, expected: list[str]) -> None:
    response = ask(name, kind)
    assert response.rcode() == dns.rcode.NOERROR
    assert response.flags & dns.flags.AA
    assert values(response) == expected


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        pytest.param(f"nobody.{BASE}", "A", dns.rcode.NXDOMAIN, id="no such name"),
        pytest.param(f"training-0.{BASE}", "TXT", dns.rcode.NOERROR, id="no such record"),
        pytest.param(f"_tcp.training.{BASE}", "A", dns.rcode.NOERROR, id="only names below it"),
    ],
)
def test_what_is_not_there_is_denied_by_the_zones_authority(
    name: str, kind: str, rcode: int
) -> None:
    response = ask(name, kind)
    assert response.rcode() == rcode
    assert not response.answer
    (soa,) = response.authority
    assert (soa.rdtype, soa.ttl) == (dns.rdatatype.SOA, 60)


def test_a_name_of_nobodys_zone_is_refused() -> None:
    assert ask("example.org").rcode() == dns.rcode.REFUSED


def test_an_alias_of_itself_ends() -> None:
    assert len(ask(f"loop.{BASE}").answer) > 0


def test_what_does_not_fit_into_a_datagram_is_asked_for_again() -> None:
    short = ask(f"many.{BASE}")
    assert short.flags & dns.flags.TC
    assert not short.answer
    whole = ask(f"many.{BASE}", over_udp=False)
    assert not whole.flags & dns.flags.TC
    assert values(whole) == sorted(MANY)


@pytest.mark.parametrize(
    ("payload", "largest"),
    [(512, PLAIN_UDP), (1232, LARGEST_UDP), (4096, LARGEST_UDP), (100, PLAIN_UDP)],
)
def test_edns_makes_room_as_far_as_a_packet_goes(payload: int, largest: int) -> None:
    addresses = MANY[:70]
    zone = make_zone("t.", [record("x.t", "A", *addresses)])
    query = dns.message.make_query("x.t", "A", use_edns=0, payload=payload)
    reply = answer(query.to_wire(), (zone,), over_udp=True)
    assert reply is not None
    assert len(reply) <= largest
    assert bool(dns.message.from_wire(reply).flags & dns.flags.TC) == (largest == PLAIN_UDP)


def test_what_we_do_not_do_is_said() -> None:
    notify = dns.message.make_query(BASE, "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    chaos = dns.message.make_query("version.bind", "TXT", rdclass="CH")
    transfer = dns.message.make_query(BASE, "AXFR")
    for query, rcode in (
        (notify, dns.rcode.NOTIMP),
        (chaos, dns.rcode.REFUSED),
        (transfer, dns.rcode.REFUSED),
    ):
        reply = answer(query.to_wire(), (ZONE,), over_udp=True)
        assert reply is not None
        assert dns.message.from_wire(reply).rcode() == rcode


def test_an_answer_is_not_answered() -> None:
    response = dns.message.make_response(dns.message.make_query(BASE, "A"))
    assert answer(response.to_wire(), (ZONE,), over_udp=True) is None


@given(st.binary(max_size=600))
def test_anything_is_answered_or_left(wire: bytes) -> None:
    reply = answer(wire, (ZONE,), over_udp=True)
    assert reply is None or (reply[:2] == wire[:2] and len(reply) <= LARGEST_UDP)


@given(st.binary(max_size=60), st.integers(0, 40))
def test_a_question_with_a_wound_is_answered_or_left(wound: bytes, at: int) -> None:
    whole = dns.message.make_query(f"training.{BASE}", "A").to_wire()
    wire = whole[:at] + wound + whole[at + len(wound) :]
    reply = answer(wire, (ZONE,), over_udp=True)
    assert reply is None or reply[:2] == wire[:2]
