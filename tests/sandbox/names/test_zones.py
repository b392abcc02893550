"""Zones are made of record sets, most of which were read before."""

from typing import Any

import dns.name
from dns.rdatatype import RdataType
from moto.route53.models import RecordSet

from sandbox.names.zones import Zone, make_zone, values_of

ORIGIN = "team.test."


def record(name: str, *values: str, ttl: int = 30, weight: int | None = None) -> Any:
    weighted = {} if weight is None else {"SetIdentifier": str(weight), "Weight": weight}
    return RecordSet(
        {
            "Name": f"{name}.{ORIGIN}",
            "Type": "A",
            "TTL": ttl,
            "ResourceRecords": [*values],
            **weighted,
        }
    )


def addresses(zone: Zone, name: str) -> tuple[list[str], int]:
    found = zone.names[dns.name.from_text(f"{name}.{ORIGIN}")][RdataType.A]
    return sorted(each.to_text() for each in values_of(found)), found.ttl


def test_sets_of_one_name_are_one_with_the_shortest_time() -> None:
    zone = make_zone(
        ORIGIN,
        [
            record("a", "10.0.0.1", "10.0.0.2", ttl=60, weight=1),
            record("a", "10.0.0.2", "10.0.0.3", ttl=20, weight=2),
        ],
    )
    assert addresses(zone, "a") == (["10.0.0.1", "10.0.0.2", "10.0.0.3"], 20)


def test_a_zone_stays_as_it_was_when_it_is_made_anew() -> None:
    both = [record("a", "10.0.0.1", weight=1), record("b", "10.0.0.2")]
    before = make_zone(ORIGIN, both)
    after = make_zone(ORIGIN, [*both, record("a", "10.0.0.9", ttl=5, weight=2)])
    assert addresses(before, "a") == (["10.0.0.1"], 30)
    assert addresses(after, "a") == (["10.0.0.1", "10.0.0.9"], 5)
    assert (
        after.names[dns.name.from_text(f"b.{ORIGIN}")]
        == before.names[dns.name.from_text(f"b.{ORIGIN}")]
    )


def test_a_set_that_has_not_changed_is_not_read_again() -> None:
    sets = [record("a", "10.0.0.1"), record("b", "10.0.0.2")]
    name = dns.name.from_text(f"b.{ORIGIN}")
    before, after = make_zone(ORIGIN, sets), make_zone(ORIGIN, [*sets, record("c", "10.0.0.3")])
    assert after.names[name][RdataType.A] is before.names[name][RdataType.A]
