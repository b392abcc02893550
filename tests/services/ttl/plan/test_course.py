"""The course of a lease, as a pure function of its record and the time."""

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ttl.model import Act, Expire, Wait, Warn
from services.ttl.plan.course import WARNINGS, first_record, next_step
from spawn.contracts.lease_records import LeaseRecord, LeaseState
from spawn.contracts.leases import Lease
from tests.builders import ARRAY_ID
from tests.fakes.clock import NOON

END = NOON + timedelta(hours=1)
RECORD = first_record(ARRAY_ID, Lease(until=END), deployment="test")


def minutes(before: float) -> datetime:
    return END - timedelta(minutes=before)


@pytest.mark.parametrize(
    ("now", "warned", "then"),
    [
        pytest.param(minutes(60), None, minutes(10), id="an hour is left: wait for the first"),
        pytest.param(minutes(9), 10, minutes(5), id="warned of 10 minutes: wait for the next"),
        pytest.param(minutes(3), 5, minutes(1), id="warned of 5: wait for the last"),
        pytest.param(minutes(0.5), 1, END, id="all warnings are given: wait for the end"),
        pytest.param(minutes(8), 5, minutes(5), id="one of less was given: none is due"),
    ],
)
def test_what_is_not_due_is_waited_for(now: datetime, warned: int | None, then: datetime) -> None:
    known = timedelta(minutes=warned) if warned else None
    step = next_step(msgspec.structs.replace(RECORD, warned=known), now)
    assert isinstance(step, Wait)
    assert step.at == then


@pytest.mark.parametrize(
    ("now", "warned", "given_for"),
    [
        pytest.param(minutes(10), None, 10, id="at its instant"),
        pytest.param(minutes(4), None, 5, id="of two that were missed, the later one"),
        pytest.param(minutes(0.6), None, 1, id="of a lease that was never longer"),
        pytest.param(minutes(1), 5, 1, id="the last one"),
    ],
)
def test_a_warning_that_is_due_is_given_once(
    now: datetime, warned: int | None, given_for: int
) -> None:
    known = timedelta(minutes=warned) if warned else None
    step = next_step(msgspec.structs.replace(RECORD, warned=known), now)
    assert isinstance(step, Warn)
    assert step.record.warned == timedelta(minutes=given_for)
    assert [event.name for event in step.record.outbox] == ["lease.warned"]
    assert isinstance(next_step(step.record, now), Wait)


def test_a_lease_that_is_over_expires_and_is_then_acted_on() -> None:
    step = next_step(RECORD, END)
    assert isinstance(step, Expire)
    assert (step.record.state, step.record.version) == (LeaseState.EXPIRING, 2)
    assert [event.name for event in step.record.outbox] == ["lease.expired"]
    assert isinstance(next_step(step.record, END), Act)


@st.composite
def records(draw: st.DrawFn) -> LeaseRecord:
    """Draw a record: any end, any warning given."""
    lived = draw(st.timedeltas(timedelta(0), timedelta(days=8)))
    warned = draw(st.sampled_from([None, *WARNINGS]))
    record = first_record(ARRAY_ID, Lease(until=NOON + lived), deployment="test")
    return msgspec.structs.replace(record, warned=warned)


@given(records(), st.timedeltas(timedelta(0), timedelta(days=8)))
def test_no_lease_ends_before_its_instant_and_none_is_left_after_it(
    record: LeaseRecord, passed: timedelta
) -> None:
    now = NOON + passed
    assert isinstance(next_step(record, now), Expire) == (now >= record.lease.until)


@given(records())
def test_every_lease_reaches_its_end_by_its_own_timers(record: LeaseRecord) -> None:
    now, warned, ended = NOON, 0, False
    for _ in range(2 * len(WARNINGS) + 2):
        match next_step(record, now):
            case Wait(at=at):
                assert now < at <= record.lease.until
                now = at
            case Warn(record=after):
                warned += 1
                record = after
            case Expire(record=after):
                record, ended = after, True
            case Act():
                break
    assert ended
    assert warned <= len(WARNINGS)
    assert now == max(NOON, record.lease.until)
