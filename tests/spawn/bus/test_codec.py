from contextlib import suppress
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.bus import codec
from spawn.contracts.launches import Launch, LaunchSpec
from spawn.errors import Rejected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"request_id":"r","spec":{"name":"x","count":"3"}}', "spec.count"),
        (b'{"request_id":"r","spec":{"count":3}}', "spec.name"),
        (b'{"spec":{"name":"x"}}', "request_id"),
        (b'{"request_id":"r","spec":{"name":"x","what":1}}', "spec.what"),
        (b'{"request_id":"r","spec":{"name":"x"},"what":1}', "what"),
        (b'{"request_id":"r","spec":{"name":"x","zones":["a",1]}}', "spec.zones[1]"),
        (b'{"request_id":"r","spec":{"name":"x"},"not_after":"soon"}', "not_after"),
        (b"[]", ""),
        (b"{", ""),
        (b"", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (b'{"request_id":"\xff"}', ""),
    ],
)
def test_what_is_wrong_is_named(body: bytes, field: str) -> None:
    with pytest.raises(Rejected) as raised:
        codec.decode(body, Launch)
    assert raised.value.field == field
    assert raised.value.code == "InvalidMessage"
    assert field in raised.value.message


def test_a_long_field_name_is_cut() -> None:
    body = b'{"%s": 1, "request_id": "r", "spec": {"name": "x"}}' % (b"y" * 100_000)
    with pytest.raises(Rejected) as raised:
        codec.decode(body, Launch)
    assert len(raised.value.message) < 500
    assert len(raised.value.field) < 500


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_rejected(body: bytes) -> None:
    with suppress(Rejected):
        codec.decode(body, Launch)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.fixed_dictionaries({"request_id": JSON, "spec": JSON}, optional={"not_after": JSON}))
def test_any_json_is_decoded_or_rejected(value: object) -> None:
    with suppress(Rejected):
        codec.decode(msgspec.json.encode(value), Launch)


@given(
    st.builds(
        Launch,
        request_id=st.text(),
        spec=st.builds(
            LaunchSpec,
            name=st.text(),
            count=st.integers(-(2**63), 2**63 - 1),
            zones=st.lists(st.text()).map(tuple),
            tags=st.dictionaries(st.text(), st.text()),
            user_data=st.text(),
        ),
        not_after=st.none() | st.datetimes(timezones=st.timezones()),
    )
)
def test_what_is_encoded_is_decoded(launch: Launch) -> None:
    read = codec.decode(codec.encode(launch), Launch)
    assert read.spec == launch.spec
    assert read.request_id == launch.request_id
    assert same_instant(read.not_after, launch.not_after)


def same_instant(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    # JSON keeps an offset to the minute.
    return abs((one - other).total_seconds()) < 60


def test_what_is_too_large_is_refused_by_field() -> None:
    with pytest.raises(Rejected) as raised:
        codec.encode("x" * codec.LARGEST, field="spec.user_data")
    assert raised.value.field == "spec.user_data"
    assert raised.value.code == "TooLarge"
    assert len(codec.encode("x" * (codec.LARGEST - 2))) == codec.LARGEST
