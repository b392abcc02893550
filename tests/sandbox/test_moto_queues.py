"""moto's own queues, in this process, with the quick answers and a clock that a test moves."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
from moto.sqs import models
from moto.sqs.models import sqs_backends

from sandbox import moto_queues
from tests.fakes.clock import VirtualClock

ACCOUNT, REGION = "210987654321", "eu-west-1"


@pytest.fixture
def clock() -> Generator[VirtualClock]:
    clock, patched = VirtualClock(), vars(models)
    before = patched["unix_time_millis"]
    restore = moto_queues.install(clock)
    yield clock
    restore()
    assert patched["unix_time_millis"] is before


@pytest.fixture
def backend(clock: VirtualClock) -> Generator[Any]:
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
