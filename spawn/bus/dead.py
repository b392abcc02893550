"""Dead letters: what could not be handled is put aside whole enough to be understood."""

import hashlib
from collections.abc import Mapping

from spawn.bus import metrics
from spawn.bus.connection import Bus
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.message import Message
from spawn.bus.redaction import redacted
from spawn.errors import Rejected
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

REASON = "spawn-dead-reason"
CODE = "spawn-dead-code"
SUBJECT = "spawn-dead-subject"
SIZE = "spawn-dead-size"
SHA256 = "spawn-dead-sha256"

CRASHES = frozenset({"crash", "error"})
"""Codes of messages that nothing is said to be wrong with: whoever handled them failed."""

LARGEST_BODY = 64 * 1024
_LARGEST_HEADERS = 16 * 1024
_LONGEST_SUBJECT = 200
_UNNAMED = "spawn.dead.unnamed"


class Undeliverable(Exception):  # noqa: N818 - what became of a message, not a failure of ours
    """Raised by a handler for a message that no delivery will ever make right.

    `code` is one of a few words, for the metric; `reason` is for people, and `field` names what
    is wrong, where one thing is.
    """

    def __init__(self, reason: str, *, code: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.field = field


async def bury(bus: Bus, message: Message, why: Undeliverable, *, message_id: str) -> None:
    """Publish a message to `spawn.dead.<its subject>` with the reason and its redacted body.

    Size and SHA-256 are those of the body as it came. Tried until the bus has it; the same
    `message_id` is stored once.
    """
    metrics.DEAD_LETTERS.labels(why.code).inc()
    _log.error("dead letter", subject=message.subject, code=why.code, reason=why.reason)
    body = redacted(message.data)[:LARGEST_BODY]
    headers = {
        **_kept(message.headers),
        REASON: why.reason,
        CODE: why.code,
        SUBJECT: message.subject[:_LONGEST_SUBJECT],
        SIZE: str(len(message.data)),
        SHA256: hashlib.sha256(message.data).hexdigest(),
        MESSAGE_ID: message_id,
    }
    try:
        await bus.js.publish(_subject(message.subject), body, headers=headers, patience=None)
    except Rejected:
        await bus.js.publish(_UNNAMED, body, headers=headers, patience=None)


def _subject(subject: str) -> str:
    is_plain = subject.isascii() and subject.isprintable() and len(subject) <= _LONGEST_SUBJECT
    return f"spawn.dead.{subject}" if is_plain else _UNNAMED


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    left = _LARGEST_HEADERS
    for name, value in headers.items():
        # The server acts on its own headers, and a dead letter is not what they were meant for.
        if name.lower().startswith("nats-") or not name.replace("-", "").isalnum():
            continue
        left -= len(name) + len(value)
        if left >= 0:
            kept[name] = value
    return kept
