"""What the cloud says is going to happen to this machine, or to another of its array."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.clock import Clock, read_instant, write_instant
from agent.console import say
from agent.metadata import Metadata, MetadataError

POLL_EVERY = timedelta(seconds=5)
"""As AWS recommends (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/
spot-instance-termination-notices.html)."""

LIFE_CYCLE = "/latest/meta-data/instance-life-cycle"
ACTION = "/latest/meta-data/spot/instance-action"
REBALANCE = "/latest/meta-data/events/recommendations/rebalance"

INTERRUPTION, LIKELIER = "interruption", "rebalance"
NONE = "none"

_ACTIONS = ("terminate", "stop", "hibernate")
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class Unclear(Exception):  # noqa: N818 - a property of the notice
    """A notice is not what was agreed."""


@dataclass(frozen=True)
class Notice:
    """One notice; `dies_at` is RFC 3339, empty where the cloud names no instant."""

    kind: str
    action: str = NONE
    dies_at: str = ""

    @property
    def key(self) -> str:
        """What makes it the same notice, whoever says it."""
        return f"{self.kind}/{self.action}"

    @property
    def instant(self) -> datetime | None:
        """When the machine dies, as far as that is known."""
        return read_instant(self.dies_at) if self.dies_at else None

    def is_before(self, other: Notice) -> bool:
        """Say whether it names an earlier instant than another one does, or the only one."""
        if self.instant is None or other.instant is None:
            return self.instant is not None
        return self.instant < other.instant


@dataclass(frozen=True)
class Told:
    """A notice that the bus tells of, and whom it is about."""

    instance_id: str
    rank: int
    generation: int
    notice: Notice


def read_notice(value: Any) -> Notice:
    """Read a notice from JSON; raises `Unclear`."""
    try:
        dies_at = value.get("dies_at") or ""
        if dies_at:
            read_instant(str(dies_at))
        return Notice(str(value["kind"]), str(value.get("action", NONE)), str(dies_at))
    except _MALFORMED as error:
        raise Unclear(f"notice: {error!r}") from error


def read_told(value: Any) -> Told:
    """Read what a tell says of a notice; raises `Unclear`."""
    try:
        return Told(
            instance_id=str(value["instance_id"]),
            rank=int(value["rank"]),
            generation=int(value["generation"]),
            notice=read_notice(value),
        )
    except _MALFORMED as error:
        raise Unclear(f"notice: {error!r}") from error


def read_action(text: str) -> Notice:
    """Read `spot/instance-action`: `{"action": …, "time": …}`; raises `Unclear`."""
    try:
        value = json.loads(text)
        action = str(value["action"])
        if action not in _ACTIONS:
            raise Unclear(f"instance-action: {action[:40]!r} is none that is known")
        return Notice(INTERRUPTION, action, write_instant(read_instant(str(value["time"]))))
    except _MALFORMED as error:
        raise Unclear(f"instance-action: {error!r}") from error


async def poll(metadata: Metadata) -> list[Notice]:
    """Return what the metadata service says now; raises `MetadataError` and `Unclear`."""
    found: list[Notice] = []
    action = await metadata.read(ACTION)
    if action is not None:
        found.append(read_action(action))
    if await metadata.read(REBALANCE) is not None:
        found.append(Notice(LIKELIER))
    return found


async def is_interruptible(metadata: Metadata, clock: Clock) -> bool:
    """Say whether this machine is one of the spot market, as soon as that is known."""
    while True:
        try:
            return await metadata.read(LIFE_CYCLE) == "spot"
        except MetadataError as error:
            say(f"is this a spot machine? {error}")
        await clock.sleep(POLL_EVERY)
