"""Durations, instants, ranks and ids: what people write, and what they may not."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.contracts.durations import format_duration, parse_duration
from spawn.contracts.ids import (
    LONGEST_NAME,
    ArrayId,
    array_id,
    check_name,
    check_request_id,
    client_token,
    is_array_id,
)
from spawn.contracts.leases import Lease, LeaseAction, format_instant, parse_instant
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import Rejected

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("90m", 5400),
            ("4h", 14_400),
            ("1d12h", 129_600),
            ("2w", 1_209_600),
            ("1w1d1h1m1s", 694_861),
            (" 45S ", 45),
            ("0h30m", 1800),
            ("120m", 7200),
        ],
    )
    def test_what_people_write(self, text: str, seconds: int) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "0", "0s", "0h0m", "1", "h", "1x", "-1h", "+1h", "1.5h", "1h1h", "1m1h"),
            *("1 h", "1h 2m", "1e3s", "\uff19h", "1234567890s", "soon", "9" * 400 + "s"),
        ],
    )
    def test_what_does_not_parse(self, text: str) -> None:
        with pytest.raises(Rejected, match="is not a duration; write it like 90m"):
            parse_duration(text)

    @pytest.mark.parametrize(
        ("duration", "text"),
        [
            (timedelta(0), "0s"),
            (timedelta(seconds=-5), "0s"),
            (timedelta(seconds=59.6), "1m"),
            (timedelta(hours=36), "1d12h"),
            (timedelta(days=7), "1w"),
        ],
    )
    def test_how_it_is_written(self, duration: timedelta, text: str) -> None:
        assert format_duration(duration) == text

    @given(st.integers(1, 10**8))
    def test_what_is_written_is_read(self, seconds: int) -> None:
        duration = timedelta(seconds=seconds)
        assert parse_duration(format_duration(duration)) == duration


class TestInstants:
    @given(st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis takes it so
    def test_what_is_written_is_read_to_the_second(self, instant: datetime) -> None:
        assert parse_instant(format_instant(instant)) == instant.replace(microsecond=0)

    def test_any_offset_is_turned_into_utc(self) -> None:
        paris = NOON.astimezone(timezone(timedelta(hours=1)))
        assert format_instant(paris) == "2026-12-01T12:00:00Z"
        assert parse_instant("2026-12-01T13:00+01:00") == NOON
        assert parse_instant("2026-12-01T13:00+01:00").tzinfo is UTC

    @pytest.mark.parametrize("text", ["", "soon", "2026-12-01T12:00", "12:00Z", "2026-13-01Z"])
    def test_what_is_no_instant(self, text: str) -> None:
        with pytest.raises(Rejected, match="is not an instant"):
            parse_instant(text)

    @pytest.mark.parametrize(
        ("seconds", "over"), [(-1, False), (0, True), (1, True)], ids=["before", "at", "after"]
    )
    def test_a_lease_is_over_from_its_instant_on(self, seconds: int, over: bool) -> None:
        lease = Lease(NOON)
        assert lease.is_over(NOON + timedelta(seconds=seconds)) is over
        assert lease.action is LeaseAction.TERMINATE


class TestRanks:
    @pytest.mark.parametrize(
        ("ranks", "text"),
        [
            ((), ""),
            ((0,), "0"),
            (range(100), "0-99"),
            ((44, 3, 41, 17, 42, 43, 40), "3,17,40-44"),
            ((1, 1, 2), "1-2"),
        ],
    )
    def test_how_they_are_written(self, ranks: tuple[int, ...], text: str) -> None:
        assert format_ranks(ranks) == text

    @given(st.sets(st.integers(0, 99_999), max_size=200))
    def test_what_is_written_is_read(self, ranks: set[int]) -> None:
        assert parse_ranks(format_ranks(ranks)) == tuple(sorted(ranks))

    @pytest.mark.parametrize(
        "text", ["a", "-1", "1-", "1--2", "1,,2", ",1", "1, 2", "٣", "123456", "0-99999999999"]
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(Rejected, match="is not a set of ranks"):
            parse_ranks(text)

    def test_a_range_that_ends_before_it_begins_holds_nothing(self) -> None:
        assert parse_ranks("5-3") == ()


class TestIds:
    @given(st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True))
    def test_the_id_of_any_name_is_one_and_fits_a_dns_label(self, name: str) -> None:
        assert check_name(name) == name
        made = array_id(deployment="d", owner="o", request_id="r", name=name)
        assert is_array_id(made)
        assert made.startswith(f"{name}-")
        assert len(made) <= 63

    @pytest.mark.parametrize(
        "other",
        [("x", "o", "r"), ("d", "x", "r"), ("d", "o", "x"), ("do", "", "r"), ("d", "or", "")],
    )
    def test_another_deployment_owner_or_request_is_another_array(
        self, other: tuple[str, str, str]
    ) -> None:
        deployment, owner, request = other
        one = array_id(deployment="d", owner="o", request_id="r", name="a")
        assert one != array_id(deployment=deployment, owner=owner, request_id=request, name="a")

    @pytest.mark.parametrize("text", ["", "a", "a-b", "A-abcdefghijkl", "a-abcdefghijk1", "a.b"])
    def test_what_is_no_id(self, text: str) -> None:
        assert not is_array_id(text)
        assert not is_array_id(f"{text}\n")

    @pytest.mark.parametrize("text", ["", "a b", "a.b", "ä", "a" * 65, "a\n", "*"])
    def test_a_request_id_that_is_none(self, text: str) -> None:
        with pytest.raises(Rejected, match="use 1 to 64 letters") as refused:
            check_request_id(text)
        assert refused.value.field == "request_id"

    def test_a_request_id_of_every_character(self) -> None:
        assert check_request_id("aZ09_-" * 10) == "aZ09_-" * 10

    def test_the_field_that_is_named_may_be_another(self) -> None:
        with pytest.raises(Rejected) as refused:
            check_name("", field="job_array_name")
        assert refused.value.field == "job_array_name"

    def test_the_longest_name_leaves_room_for_a_rank_in_a_dns_label(self) -> None:
        assert LONGEST_NAME + len("-9999999") <= 63

    def test_a_token_is_of_its_chunk_and_attempt(self) -> None:
        one = client_token(ArrayId("a-abcdefghijkl"), 1, 11)
        assert one != client_token(ArrayId("a-abcdefghijkl"), 11, 1)
        assert len(one) <= 64
