"""SQS's queues without what moto counts again and again.

With each message that is received moto counts the whole queue three times over, and each look at a
message's time makes three datetimes: a thousand messages take a minute. And a message that has
become too old stops all those behind it, where SQS deletes it.
"""

from collections.abc import Callable
from typing import Any

from moto.sqs import models
from moto.sqs.models import SQSBackend

from sandbox.wrapping import replace
from spawn.clock import Clock


def install(clock: Clock) -> Callable[[], None]:
    """Put the quick answers in place; call the result to go back."""

    def now() -> float:
        return clock.now().timestamp()

    def is_young_enough(backend: Any, queue_name: str, message: Any) -> bool:
        queue = backend.get_queue(queue_name)
        if now() < message.sent_timestamp / 1000 + int(queue.message_retention_period):
            return True
        queue.pending_messages.discard(message)
        queue._messages.remove(message)  # noqa: SLF001  what moto itself keeps them in
        return False

    restores = (
        replace(models, "unix_time_millis", lambda: now() * 1000),
        replace(SQSBackend, "is_message_valid_based_on_retention_period", is_young_enough),
    )

    def restore() -> None:
        for each in restores:
            each()

    return restore
