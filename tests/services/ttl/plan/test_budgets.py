from datetime import datetime, timedelta

import msgspec
import pytest

from services.ttl.model import Expire, Wait, Warn
from services.ttl.plan.changes import Wish, change
from services.ttl.plan.course import first_record, next_occasion, next_step
from spawn.contracts.events import LeaseWarned
from spawn.contracts.lease_records import Extend, LeaseRecord
from spawn.contracts.leases import Budget, Lease
from spawn.errors import Rejected
from tests.builders import ARRAY_ID, NOON

SPENT_AT = NOON + timedelta(hours=10)
BUDGET = Budget(usd=5.0, begins=NOON, spent_at=SPENT_AT)
NEARLY = NOON + timedelta(hours=8)


def a_record(until: datetime = SPENT_AT) -> LeaseRecord:
    return first_record(ARRAY_ID, Lease(until=until, budget=BUDGET), deployment="test")


def extended(record: LeaseRecord, until: datetime) -> LeaseRecord:
    wanted = Extend(request_id="one", array_id=ARRAY_ID, until=until)
    wish = Wish(extend=wanted, by="cli", now=NOON, longest=timedelta(days=7))
    return change(record, wish)


def test_four_fifths_are_warned_of_once() -> None:
    assert next_step(a_record(), NOON) == Wait(at=NEARLY, reason="nothing is due")
    step = next_step(a_record(), NEARLY)
    assert isinstance(step, Warn)
    (event,) = step.record.outbox
    assert isinstance(event.data, LeaseWarned)
    assert event.data.reason == "80% of 5.0 USD may be spent, it ends in 2h"
    again = next_step(step.record, NEARLY)
    assert again == Wait(at=SPENT_AT - timedelta(minutes=10), reason="nothing is due")


def test_a_lease_that_ends_before_is_warned_of_as_ever() -> None:
    record = a_record(NOON + timedelta(hours=1))
    assert next_occasion(record, NOON) == NOON + timedelta(minutes=50)
    assert next_occasion(record, NOON + timedelta(minutes=59, seconds=30)) == record.lease.until


def test_the_end_comes_before_a_late_warning() -> None:
    assert isinstance(next_step(a_record(), SPENT_AT), Expire)


def test_no_extension_goes_beyond_the_limit() -> None:
    record = a_record(NOON + timedelta(hours=1))
    assert extended(record, SPENT_AT).lease.until == SPENT_AT
    with pytest.raises(Rejected, match=r"5\.0 USD, the limit of its costs") as refused:
        extended(record, SPENT_AT + timedelta(seconds=1))
    assert (refused.value.field, refused.value.code) == ("until", "max-cost")


def test_without_a_budget_an_extension_is_bounded_by_the_deployment_alone() -> None:
    record = a_record(NOON + timedelta(hours=1))
    unlimited = msgspec.structs.replace(record, lease=Lease(until=record.lease.until))
    later = SPENT_AT + timedelta(days=1)
    assert extended(unlimited, later).lease.until == later


def test_a_member_s_own_warning_is_told_as_its_own() -> None:
    own = first_record(ARRAY_ID, a_record().lease, deployment="test", rank=3)
    step = next_step(own, NEARLY)
    assert isinstance(step, Warn)
    (event,) = step.record.outbox
    # Otherwise it could have the id of its array's, and be taken for a copy of that.
    assert (getattr(event.data, "rank", None), event.id.split("/")[2]) == (3, "3")
