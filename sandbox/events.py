"""What EC2 tells EventBridge, delivered to the targets of matching rules: late, twice or never.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
"""

import copy
import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from moto.events.models import events_backends

from sandbox import metrics
from sandbox.ec2 import storms
from sandbox.ec2.cloud import Cloud, NoticeTimings
from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.ec2.timeline import Timeline
from spawn.clock import Clock
from spawn.telemetry.log import get_logger

DETAIL_TYPE = "EC2 Instance State-change Notification"

_log = get_logger(__name__)


class Ec2Events:
    """Sends events of instances, at best effort: as well as `rules` lets it."""

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        *,
        randomness: random.Random,
        on_sent: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._timeline = timeline
        self._randomness = randomness
        self._on_sent = on_sent
        self._cloud: Cloud | None = None

    def follow(self, cloud: Cloud) -> None:
        """Hear of the instances of a cloud from now on, and of how well it delivers."""
        self._cloud = cloud
        cloud.tell = self.tell

    def __call__(self, region: RegionState, record: Record, state: State) -> None:
        """Tell EventBridge that `record` is now in `state`."""
        detail = {"instance-id": str(record.id), "state": state.value}
        self.tell(region, record, DETAIL_TYPE, detail)
        if self._cloud is not None:
            storms.look(self._cloud, region, record, state)

    def tell(
        self,
        region: RegionState,
        record: Record,
        detail_type: str,
        detail: dict[str, str],
        *,
        at: datetime | None = None,
    ) -> None:
        """Have an event delivered; it is of now, or of `at`."""
        rules = NoticeTimings() if self._cloud is None else self._cloud.notices
        event = _event(region, record, detail_type, detail, at=at or self._clock.now())
        if self._randomness.random() < rules.loss:
            return
        copies = 2 if self._randomness.random() < rules.duplicates else 1
        for _ in range(copies):
            late = rules.events_late.draw(self._randomness).total_seconds()
            if late > 0:
                due = self._clock.monotonic() + late
                self._timeline.call(due, partial(self._send, region, event))
            else:
                self._send(region, event)

    def _send(self, region: RegionState, event: dict[str, Any]) -> None:
        if send(region, event):
            self._on_sent()


def _event(
    region: RegionState, record: Record, detail_type: str, detail: dict[str, str], *, at: datetime
) -> dict[str, Any]:
    arn = f"arn:aws:ec2:{region.name}:{region.account}:instance/{record.id}"
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": region.account,
        # moto writes it as ISO 8601 on delivery.
        "time": at.timestamp(),
        "region": region.name,
        "resources": [arn],
        "detail": detail,
    }


def send(region: RegionState, event: dict[str, Any]) -> int:
    """Deliver an event to the default bus of a region; return to how many targets."""
    sent = 0
    bus = events_backends[region.account][region.name].event_buses["default"]
    for rule in list(bus.rules.values()):
        if rule.state != "ENABLED" or rule.scheduled_expression:
            continue
        for target in rule.targets:
            # moto rewrites the event for its first target: each gets a copy of its own.
            alone = copy.copy(rule)
            alone.targets = [target]
            transformed = "InputTransformer" in target
            extra = {"ingestion-time": event["time"]} if transformed else {}
            _deliver(alone, {**event, **extra}, transformed=transformed)
            metrics.EVENTS.inc()
            sent += 1
    return sent


def _deliver(rule: Any, event: dict[str, Any], *, transformed: bool) -> None:
    try:
        rule.send_to_targets(event, transform_input=transformed)
    except Exception:  # noqa: BLE001  a target can fail in any way
        # EventBridge delivers at best effort: a target that is gone must not stop an instance.
        _log.exception("event not delivered", rule=rule.name, detail_type=event["detail-type"])
