"""Simple Queue Service and EventBridge of one region, in memory."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from spawn.aws.errors import outcome_of
from spawn.aws.shapes import EventRule, Queue, QueueMessage
from spawn.clock import Clock

ACCOUNT = "123456789012"
_LOOK_AGAIN = timedelta(milliseconds=20)


class _Kept(msgspec.Struct):
    """A message in a queue: received so often, and hidden until then."""

    id: str
    body: str
    received: int = 0
    hidden_until: datetime | None = None


class FakeSqs:
    """Queues by URL; a message that was received is hidden for the queue's visibility timeout."""

    def __init__(self, clock: Clock, region: str) -> None:
        self.attributes: dict[str, dict[str, str]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.lost_deletes = 0
        self._clock = clock
        self._region = region
        self._messages: dict[str, dict[str, _Kept]] = {}
        self._sent = 0

    async def find(self, name: str) -> Queue:
        url = f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{name}"
        self._check(url)
        return Queue(url=url, arn=f"arn:aws:sqs:{self._region}:{ACCOUNT}:{name}")

    async def ensure(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> tuple[Queue, bool]:
        url = f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{name}"
        before = self.attributes.get(url, {})
        is_changed = url not in self.attributes or any(
            before.get(key) != value for key, value in attributes.items()
        )
        self.attributes[url] = {**before, **attributes}
        self.tags.setdefault(url, dict(tags))
        self._messages.setdefault(url, {})
        return await self.find(name), is_changed

    async def receive(self, url: str, *, wait: timedelta) -> tuple[QueueMessage, ...]:
        ends = self._clock.now() + wait
        while True:
            self._check(url)
            found = self._visible(url)
            if found or self._clock.now() >= ends:
                return found
            await self._clock.sleep(min(_LOOK_AGAIN, ends - self._clock.now()))

    async def delete(self, url: str, messages: Iterable[QueueMessage]) -> int:
        self._check(url)
        if self.lost_deletes:
            self.lost_deletes -= 1
            return len(tuple(messages))
        for message in messages:
            self._messages[url].pop(message.receipt.partition("#")[0], None)
        return 0

    def put(self, url: str, body: str) -> None:
        """Send a message."""
        self._check(url)
        self._sent += 1
        kept = _Kept(id=f"m-{self._sent}", body=body)
        self._messages[url][kept.id] = kept

    def left(self, url: str) -> tuple[str, ...]:
        """Return the bodies that were not deleted."""
        return tuple(kept.body for kept in self._messages[url].values())

    def show_all(self) -> None:
        """Let every visibility timeout be over."""
        for messages in self._messages.values():
            for kept in messages.values():
                kept.hidden_until = None

    def url_of(self, arn: str) -> str:
        """Return a queue's URL."""
        return f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{arn.rpartition(':')[2]}"

    def _visible(self, url: str) -> tuple[QueueMessage, ...]:
        now = self._clock.now()
        timeout = timedelta(seconds=int(self.attributes[url].get("VisibilityTimeout", "30")))
        found: list[QueueMessage] = []
        for kept in list(self._messages[url].values())[:]:
            if len(found) == 10 or (kept.hidden_until is not None and kept.hidden_until > now):
                continue
            kept.received += 1
            kept.hidden_until = now + timeout
            receipt = f"{kept.id}#{kept.received}"
            found.append(
                QueueMessage(id=kept.id, receipt=receipt, body=kept.body, received=kept.received)
            )
        return tuple(found)

    def _check(self, url: str) -> None:
        if url not in self.attributes:
            raise outcome_of(
                "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
            )


class FakeEventBridge:
    """Rules by name; `say` sends an event to the queues of those that match."""

    def __init__(self, sqs: FakeSqs) -> None:
        self.rules: dict[str, EventRule] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self._sqs = sqs

    async def ensure(self, rule: EventRule, tags: Mapping[str, str]) -> bool:
        is_changed = self.rules.get(rule.name) != rule
        self.tags.setdefault(rule.name, dict(tags))
        self.rules[rule.name] = rule
        return is_changed

    def say(self, event: dict[str, Any]) -> int:
        """Send an event; return how many queues were sent it."""
        matching = [
            rule for rule in self.rules.values() if _matches(json.loads(rule.pattern), event)
        ]
        for rule in matching:
            self._sqs.put(self._sqs.url_of(rule.target_arn), json.dumps(event))
        return len(matching)


def _matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    for key, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not _matches(cast("dict[str, Any]", wanted), event.get(key, {})):
                return False
        elif event.get(key) not in wanted:
            return False
    return True
