from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.bus.cloudevents import decode_event, event_headers, percent_decode, percent_encode
from spawn.bus.publish import chains
from spawn.contracts.events import ArrayReady, Event, InstanceRunning
from spawn.contracts.ids import ArrayId
from spawn.errors import Rejected
from tests.fixtures.bus_samples import ARRAY, event, instance, running

READY = event("training-abcdefghijkl/array/-/-/ready/3")
BODY = msgspec.json.encode(READY.data)


def test_the_headers_are_those_of_the_specification() -> None:
    assert event_headers(running(3, 1)) == {
        "ce-specversion": "1.0",
        "ce-id": f"{ARRAY}/instance/3/1/running/1",
        "ce-source": "/spawn/test/launcher",
        "ce-type": "spawn.instance.running.v1",
        "ce-subject": f"{ARRAY}/3",
        "ce-time": "2026-06-01T12:00:00Z",
        "content-type": "application/json",
        "Nats-Msg-Id": f"{ARRAY}/instance/3/1/running/1",
    }


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("plain/value.v1~!#$&'()*+,-:;<=>?@[]^_`{|}", "plain/value.v1~!#$&'()*+,-:;<=>?@[]^_`{|}"),
        ("a b", "a%20b"),
        ('"quoted"', "%22quoted%22"),
        ("100%", "100%25"),
        ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("a\r\nb: c", "a%0D%0Ab:%20c"),
    ],
)
def test_values_are_percent_encoded(value: str, encoded: str) -> None:
    assert percent_encode(value) == encoded
    assert percent_decode(encoded) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_survives_a_header(value: str) -> None:
    encoded = percent_encode(value)
    assert encoded.isascii()
    assert encoded == encoded.strip()
    assert all(character.isprintable() and character != " " for character in encoded)
    assert percent_decode(encoded) == value


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    identity=TEXTS,
    source=TEXTS,
    time=st.datetimes(min_value=datetime(1, 1, 3), timezones=st.just(UTC)),  # noqa: DTZ001 - UTC
    rank=st.integers(0, 4999),
    reason=st.text(),
)
def test_an_event_is_read_as_it_was_written(
    identity: str, source: str, time: datetime, rank: int, reason: str
) -> None:
    data = InstanceRunning(rank=rank, generation=1, instance=instance(rank), reason=reason)
    written = Event(id=identity, array_id=ARRAY, source=source, time=time, data=data)
    body = msgspec.json.encode(data)
    assert decode_event(event_headers(written), written.subject, body) == written


@pytest.mark.parametrize(
    ("subject", "changes", "body"),
    [
        ("spawn.evt.training-abcdefghijkl.array", {}, BODY),
        ("spawn.evt.not an id.array.ready", {}, BODY),
        ("spawn.cmd.training-abcdefghijkl.array.ready", {}, BODY),
        ("spawn.evt.training-abcdefghijkl.array.failed", {}, BODY),
        (READY.subject, {"ce-specversion": "0.3"}, BODY),
        (READY.subject, {"ce-type": "spawn.array.failed.v1"}, BODY),
        (READY.subject, {"ce-time": "yesterday"}, BODY),
        (READY.subject, {"ce-time": "2026-06-01T12:00:00"}, BODY),
        (READY.subject, {"ce-id": ""}, BODY),
        (READY.subject, {"ce-source": ""}, BODY),
        (READY.subject, {}, b"{}"),
        (READY.subject, {}, b""),
    ],
    ids=[
        "too few tokens",
        "no array id",
        "a command's subject",
        "a subject of another kind",
        "another version of the specification",
        "a type of another kind",
        "no instant",
        "an instant without offset",
        "no id",
        "no source",
        "a body without a type",
        "no body",
    ],
)
def test_what_is_no_event_of_ours_is_rejected(
    subject: str, changes: Mapping[str, str], body: bytes
) -> None:
    with pytest.raises(Rejected):
        decode_event({**event_headers(READY), **changes}, subject, body)


def test_the_array_comes_from_the_subject_alone() -> None:
    subject = "spawn.evt.other-abcdefghijkl.array.ready"
    read = decode_event(event_headers(READY), subject, BODY)
    assert read.array_id == ArrayId("other-abcdefghijkl")


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.integers(0, 9))))
def test_chains_keep_the_order_of_each_member(steps: list[tuple[int | None, int]]) -> None:
    events = [
        event(f"{place}", ArrayReady(size=1, ready=1, seconds=0))
        if rank is None
        else event(f"{place}", running(rank, generation).data)
        for place, (rank, generation) in enumerate(steps)
    ]
    grouped = chains(events)
    assert sorted(int(each.id) for chain in grouped for each in chain) == [*range(len(events))]
    for chain in grouped:
        places = [int(each.id) for each in chain]
        assert places == sorted(places)
        assert len({steps[place][0] for place in places}) == 1
    assert len(grouped) == len({rank for rank, _ in steps})
