"""What everybody is told of more names than one record's events hold: the first ones first."""

from services.dns.model import Standing
from services.dns.plan.records import MOST_NEWS, first_record, next_record
from spawn.contracts.events import HostnameRegistered, HostnameRemoved
from spawn.contracts.hostnames import Host, Hostnames
from tests.builders import NOON
from tests.services.dns.worlds import BASE, NAMING, named_array

LATE = 500
MANY = MOST_NEWS + LATE
ARRAY = named_array(size=MANY)
NOTHING = first_record(ARRAY.id, "training", MANY, BASE, NOON)


def hosts(generation: int = 0) -> tuple[Host, ...]:
    return tuple(
        Host(rank=rank, address=f"10.{generation}.0.{rank}", generation=generation)
        for rank in range(MANY)
    )


def told(before: Hostnames, found: tuple[Host, ...]) -> Hostnames:
    return next_record(before, Standing(hosts=found), blocked=(), naming=NAMING, now=NOON)


def news(record: Hostnames) -> list[tuple[type, int]]:
    """Return the kinds of the record's events, with how many names each tells."""
    return [
        (type(event.data), len(event.data.names))
        for event in record.outbox
        if isinstance(event.data, HostnameRegistered | HostnameRemoved)
    ]


def test_of_very_many_names_that_come_the_rest_is_told_next() -> None:
    first = told(NOTHING, hosts())
    assert first.hosts == hosts()[:MOST_NEWS]
    second = told(first, hosts())
    assert second.hosts == hosts()
    assert news(second) == [(HostnameRegistered, MOST_NEWS), (HostnameRegistered, LATE)]
    assert told(second, hosts()) is second


def test_of_very_many_machines_replaced_the_rest_keeps_its_old_addresses_for_now() -> None:
    known = told(told(NOTHING, hosts()), hosts())
    first = told(known, hosts(1))
    assert first.hosts == hosts(1)[:MOST_NEWS] + hosts()[MOST_NEWS:]
    assert told(first, hosts(1)).hosts == hosts(1)


def test_of_very_many_names_that_go_the_rest_is_told_next() -> None:
    known = told(told(NOTHING, hosts()), hosts())
    first = told(known, ())
    assert first.hosts == hosts()[MOST_NEWS:]
    second = told(first, ())
    assert second.hosts == ()
    assert news(second)[2:] == [(HostnameRemoved, MOST_NEWS), (HostnameRemoved, LATE)]
