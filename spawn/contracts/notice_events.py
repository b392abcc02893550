"""What is told of notices; `spawn.contracts.events` has all events."""

from datetime import datetime

from spawn.contracts.event_kinds import MemberEvent
from spawn.contracts.ids import InstanceId


class NoticeInterruption(MemberEvent, frozen=True, kw_only=True, tag="notice.interruption"):
    """The cloud takes the instance away at `until`."""

    instance_id: InstanceId
    action: str
    until: datetime


class NoticeRebalance(MemberEvent, frozen=True, kw_only=True, tag="notice.rebalance"):
    """The cloud says that an interruption has become likelier."""

    instance_id: InstanceId


class NoticeMaintenance(MemberEvent, frozen=True, kw_only=True, tag="notice.maintenance"):
    """The cloud has planned work on the instance, from `until` on; `code` is its word for it."""

    instance_id: InstanceId
    action: str
    until: datetime | None = None
    code: str = ""
