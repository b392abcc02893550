"""Names as `spawn dns check` sees them resolve."""

import pytest

from cli.naming import by_this_host, judge
from spawn.contracts.hostnames import Difference, OwnedRecord, RecordCheck


def told(*differences: Difference) -> RecordCheck:
    return RecordCheck(base="t.test", backend="route53", agreeing=2, differences=differences)


def record(name: str, *values: str, kind: str = "A") -> OwnedRecord:
    return OwnedRecord(name=name, type=kind, values=values, array_id="web-1")


ZONE = {"a.t.test": {"10.0.0.1", "10.0.0.2"}, "b.t.test": {"10.0.0.9"}}


async def resolve(record: OwnedRecord) -> set[str]:
    return ZONE.get(record.name, set())


@pytest.mark.parametrize(
    ("records", "why"),
    [
        pytest.param([record("a.t.test", "10.0.0.2", "10.0.0.1")], None, id="in another order"),
        pytest.param([record("b.t.test", "10.0.0.3")], "keeps an answer", id="another address"),
        pytest.param([record("c.t.test", "10.0.0.3")], "does not know", id="does not resolve"),
        pytest.param([record("_s.t.test", "x", kind="TXT")], None, id="no address record"),
    ],
)
async def test_what_resolves_otherwise_than_in_the_zone_is_found(
    records: list[OwnedRecord], why: str | None
) -> None:
    findings = await judge(told(), records, resolve)
    assert [why in each.why for each in findings if why] == ([True] if why else [])
    assert bool(findings) is bool(why)


async def test_what_the_service_has_found_is_not_said_twice() -> None:
    difference = Difference(
        name="c.t.test", type="A", array_id="web-1", wanted=("10.0.0.3",), why="not made yet"
    )
    (finding,) = await judge(told(difference), [record("c.t.test", "10.0.0.3")], resolve)
    assert (finding.why, finding.wanted) == ("not made yet", ("10.0.0.3",))


async def test_this_host_is_asked_as_its_programs_ask_it() -> None:
    assert await by_this_host(record("localhost")) == {"127.0.0.1"}
    assert await by_this_host(record("x" * 64)) == set()
