"""SQS's queues without what moto counts again and again.

With each message that is sent or received moto counts the whole queue three times over, each look
at a message's time makes three datetimes, and each deletion makes lists of every message's
receipts: a thousand messages take a minute. And a message that has become too old stops all those
behind it, where SQS deletes it.
"""

from collections.abc import Callable
from typing import Any

from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Queue, SQSBackend

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

    def millis() -> float:
        return now() * 1000

    restores = (
        *_counted_at_once(millis),
        replace(Queue, "delete_message", _delete),
        replace(models, "unix_time_millis", millis),
        replace(SQSBackend, "is_message_valid_based_on_retention_period", is_young_enough),
    )

    def restore() -> None:
        for each in restores:
            each()

    return restore


def _counted_at_once(millis: Callable[[], float]) -> tuple[Callable[[], None], ...]:
    """Have a queue's messages counted by one look at the clock."""

    def hidden(queue: Any) -> int:
        at = millis()
        return sum(at <= message.visible_at for message in queue._messages)  # noqa: SLF001  as moto

    def delayed(queue: Any) -> int:
        at = millis()
        return sum(at < message.delayed_until for message in queue._messages)  # noqa: SLF001  as moto

    def shown(queue: Any) -> list[Any]:
        at = millis()
        every = queue._messages  # noqa: SLF001  what moto itself keeps them in
        return [each for each in every if at > each.visible_at and at >= each.delayed_until]

    return (
        replace(Queue, "approximate_number_of_messages_not_visible", property(hidden)),
        replace(Queue, "approximate_number_of_messages_delayed", property(delayed)),
        replace(Queue, "messages", property(shown)),
    )


def _delete(queue: Any, receipt_handle: str) -> None:
    """Delete the message that was ever received with this receipt; again is harmless."""
    if receipt_handle in queue.deleted_messages:
        return
    every = queue._messages  # noqa: SLF001  what moto itself keeps them in
    for place, message in enumerate(every):
        former = message._old_receipt_handles  # noqa: SLF001  without a list of all of them
        if receipt_handle == message.receipt_handle or receipt_handle in former:
            queue.pending_messages.discard(message)
            queue.deleted_messages.update(message.all_receipt_handles)
            del every[place]
            return
    raise ReceiptHandleIsInvalid
