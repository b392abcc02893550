"""moto's own queues, in this process, with the quick answers and a clock that a test moves."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import sqs_backends

from sandbox import moto_queues
from tests.fakes.clock import VirtualClock

ACCOUNT, REGION = "210987654321", "eu-west-1"


class CountingClock(VirtualClock):
    """Counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def now(self) -> datetime:
        self.reads += 1
        return super().now()


@pytest.fixture
def clock() -> Generator[CountingClock]:
    clock, patched = CountingClock(), vars(models)
    before = patched["unix_time_millis"]
    restore = moto_queues.install(clock)
    yield clock
    restore()
    assert patched["unix_time_millis"] is before


@pytest.fixture
def backend(clock: CountingClock) -> Generator[Any]:
    backend: Any = sqs_backends[ACCOUNT][REGION]
    attributes = {"MessageRetentionPeriod": 300, "VisibilityTimeout": 20}
    backend.create_queue("q", {}, **attributes)
    yield backend
    backend.delete_queue("q")


def received(backend: Any, *, most: int = 10) -> list[str]:
    return [message.body for message in backend.receive_message("q", most, 0, 20)]


def test_what_was_received_is_hidden_for_its_time(backend: Any, clock: VirtualClock) -> None:
    backend.send_message("q", "one")
    assert received(backend) == ["one"]
    assert received(backend) == []
    clock.move(timedelta(seconds=21))
    assert received(backend) == ["one"]


def test_a_message_that_is_too_old_is_gone_and_stops_no_other(
    backend: Any, clock: VirtualClock
) -> None:
    backend.send_message("q", "old")
    clock.move(timedelta(seconds=200))
    backend.send_message("q", "young")
    clock.move(timedelta(seconds=150))
    # moto ends an answer at a message that is too old; the next one has what was behind it.
    assert [*received(backend), *received(backend)] == ["young"]
    counted = backend.get_queue_attributes("q", ["All"])
    assert counted["ApproximateNumberOfMessages"] == 0
    assert counted["ApproximateNumberOfMessagesNotVisible"] == 1


def test_ten_of_very_many_come_at_once(backend: Any) -> None:
    for number in range(300):
        backend.send_message("q", str(number))
    assert received(backend) == [str(number) for number in range(10)]
    assert received(backend, most=3) == ["10", "11", "12"]


def test_what_is_sent_to_a_long_queue_looks_at_the_clock_a_few_times(
    backend: Any, clock: CountingClock
) -> None:
    for number in range(300):
        backend.send_message("q", str(number))
    assert clock.reads <= 300 * 6


def test_deleted_is_the_message_of_the_receipt_however_old(
    backend: Any, clock: CountingClock
) -> None:
    for body in ("one", "two", "three"):
        backend.send_message("q", body)
    receipts = {each.body: each.receipt_handle for each in backend.receive_message("q", 3, 0, 20)}
    clock.move(timedelta(seconds=21))
    assert received(backend, most=2) == ["one", "two"]
    backend.delete_message("q", receipts["one"])
    backend.delete_message("q", receipts["one"])
    with pytest.raises(ReceiptHandleIsInvalid):
        backend.delete_message("q", "unknown")
    clock.move(timedelta(seconds=21))
    assert received(backend) == ["two", "three"]


def test_what_is_delayed_is_counted_and_comes_in_its_time(
    backend: Any, clock: CountingClock
) -> None:
    backend.send_message("q", "late", delay_seconds=10)
    counted = backend.get_queue_attributes("q", ["All"])
    assert counted["ApproximateNumberOfMessagesDelayed"] == 1
    assert received(backend) == []
    clock.move(timedelta(seconds=10))
    assert received(backend) == ["late"]
