"""Changes of leases: what is granted, and what is refused by name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ttl.plan.changes import Wish, change, check_member, check_wanted, give_own
from services.ttl.plan.course import first_record
from spawn.contracts.events import LeaseSet
from spawn.contracts.lease_records import Extend, LeaseRecord, LeaseState
from spawn.contracts.leases import Lease, LeaseAction
from spawn.errors import Rejected
from tests.builders import ARRAY_ID, a_chunk, an_array, lost, running
from tests.fakes.clock import NOON

END = NOON + timedelta(hours=1)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
RECORD = msgspec.structs.replace(
    first_record(ARRAY_ID, Lease(until=END), deployment="test"), warned=timedelta(minutes=10)
)


def wish(now: datetime = NOON, **wanted: Any) -> Wish:
    extend = Extend(request_id=wanted.pop("request_id", "r2"), array_id=ARRAY_ID, **wanted)
    return Wish(extend=extend, by="ada", now=now, longest=DAY)


@pytest.mark.parametrize(
    ("wanted", "until"),
    [
        pytest.param({"add_seconds": 7200}, END + timedelta(hours=2), id="added"),
        pytest.param({"until": END + timedelta(hours=3)}, END + timedelta(hours=3), id="set"),
        pytest.param({"until": NOON + SECOND}, NOON + SECOND, id="cut"),
        pytest.param({"until": NOON + DAY}, NOON + DAY, id="the longest there may be"),
    ],
)
def test_a_change_is_granted(wanted: dict[str, Any], until: datetime) -> None:
    after = change(RECORD, wish(**wanted))
    assert after.lease == Lease(until=until)
    assert (after.version, after.warned, after.requests) == (2, None, ("r2",))
    (event,) = after.outbox
    assert event.data == LeaseSet(
        lease=Lease(until=until), before=END, request_id="r2", reason="ada asked for it"
    )


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param({"until": NOON}, "past", id="now"),
        pytest.param({"until": datetime(1970, 1, 1, tzinfo=UTC)}, "past", id="long past"),
        pytest.param({"until": NOON + DAY + timedelta(seconds=1)}, "too-long", id="too long"),
        pytest.param({"add_seconds": 82_801}, "too-long", id="too long with what is left"),
        pytest.param({"add_seconds": 10**17}, "too-long", id="beyond all calendars"),
        pytest.param({"until": datetime(9999, 12, 31, tzinfo=UTC)}, "too-long", id="year 9999"),
    ],
)
def test_an_end_that_can_not_be_is_refused_by_name(wanted: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        change(RECORD, wish(**wanted))
    assert (refused.value.code, refused.value.field) == (code, "until")


@pytest.mark.parametrize(
    ("record", "now"),
    [
        pytest.param(RECORD, END, id="its instant has come"),
        pytest.param(
            msgspec.structs.replace(RECORD, state=LeaseState.EXPIRING), NOON, id="it is expiring"
        ),
    ],
)
def test_a_change_that_comes_too_late_is_refused(record: LeaseRecord, now: datetime) -> None:
    with pytest.raises(Rejected) as refused:
        change(record, wish(now, add_seconds=7200))
    assert refused.value.code == "lease-over"


def test_machines_that_an_end_has_put_off_may_have_more_time_from_now_on() -> None:
    stays = msgspec.structs.replace(RECORD.lease, action=LeaseAction.STOP)
    over = msgspec.structs.replace(RECORD, lease=stays, state=LeaseState.EXPIRING)
    now = END + timedelta(hours=1)
    after = change(over, wish(now, add_seconds=7200))
    assert after.state is LeaseState.ARMED
    assert after.lease == msgspec.structs.replace(stays, until=now + timedelta(hours=2))


def test_a_request_is_done_once_even_when_the_lease_is_over_meanwhile() -> None:
    once = change(RECORD, wish(add_seconds=60))
    assert change(once, wish(add_seconds=60)) is once
    over = msgspec.structs.replace(once, state=LeaseState.EXPIRING)
    assert change(over, wish(add_seconds=60)) is over


def test_only_so_many_requests_are_remembered() -> None:
    record = RECORD
    for number in range(20):
        record = change(record, wish(add_seconds=1, request_id=f"r{number}"))
    assert record.requests == tuple(f"r{number}" for number in range(12, 20))


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"add_seconds": 1, "until": NOON}, id="both"),
        pytest.param({"add_seconds": -1}, id="less than nothing"),
        pytest.param({"until": datetime(2026, 6, 1)}, id="no offset"),  # noqa: DTZ001 - the case
    ],
)
def test_a_change_must_say_what_it_wants(wanted: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        check_wanted(Extend(request_id="r2", array_id=ARRAY_ID, **wanted))


@given(st.integers(1, 2 * 86_400), st.timedeltas(timedelta(0), timedelta(hours=2)))
def test_what_is_granted_lies_ahead_and_is_not_too_long(seconds: int, passed: timedelta) -> None:
    now = NOON + passed
    until = END + timedelta(seconds=seconds)
    if now < END and until - now <= DAY:
        assert change(RECORD, wish(now, add_seconds=seconds)).lease.until == until > now
        return
    with pytest.raises(Rejected) as refused:
        change(RECORD, wish(now, add_seconds=seconds))
    assert refused.value.code in {"lease-over", "too-long"}


@pytest.mark.parametrize(
    ("state", "now"),
    [(LeaseState.EXPIRING, NOON), (LeaseState.ARMED, RECORD.lease.until)],
    ids=["acted on", "over"],
)
def test_once_an_array_s_lease_is_over_no_rank_is_listed_any_more(
    state: LeaseState, now: datetime
) -> None:
    record = msgspec.structs.replace(RECORD, state=state)
    with pytest.raises(Rejected, match="too late"):
        give_own(record, 1, now)


def test_ranks_are_listed_once_and_in_order() -> None:
    record = RECORD
    for rank in (5, 1, 5):
        record = give_own(record, rank, NOON)
    assert record.own == (1, 5)
    assert record.version == RECORD.version + 3


def test_a_rank_whose_next_machine_is_asked_for_may_have_more_time() -> None:
    array = an_array(size=2, chunks=())
    with pytest.raises(Rejected, match="has ended"):
        check_member(array, 1, lost(1))
    check_member(an_array(size=2, chunks=(a_chunk("1"),)), 1, lost(1))
    with pytest.raises(Rejected, match="has ended"):
        check_member(an_array(size=2, chunks=(a_chunk("1"),)), 1, running(1, ending="over"))
