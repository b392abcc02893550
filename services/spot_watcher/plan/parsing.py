"""EventBridge's events of EC2 and AWS Health, read without trust in their shape.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/automating_with_eventbridge.html
https://docs.aws.amazon.com/health/latest/ug/cloudwatch-events-health.html
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

import msgspec

from services.spot_watcher.model import Changed, Heard, Said, Unreadable
from spawn.contracts.ids import InstanceId
from spawn.contracts.notices import NoticeAction, NoticeKind, NoticeSource

WARNING = "EC2 Spot Instance Interruption Warning"
RECOMMENDATION = "EC2 Instance Rebalance Recommendation"
STATE_CHANGE = "EC2 Instance State-change Notification"
HEALTH = "AWS Health Event"

LEAD = timedelta(minutes=2)
"""From a warning to its interruption, where nobody says the instant
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html)."""

_INSTANCE = re.compile(r"i-[0-9a-f]{8,32}")
_INTERRUPTIONS = {
    "terminate": NoticeAction.TERMINATE,
    "stop": NoticeAction.STOP,
    "hibernate": NoticeAction.HIBERNATE,
}
_PLANNED = (
    ("RETIREMENT", NoticeAction.TERMINATE),
    ("TERMINAT", NoticeAction.TERMINATE),
    ("STOP", NoticeAction.STOP),
)
"""What a scheduled change does to the instance, by a word in its code: the others, reboots and
maintenance of network and power, leave it."""


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    detail_type: str = msgspec.field(name="detail-type")
    source: str
    time: datetime
    region: str = ""
    detail: dict[str, Any]


class _Affected(msgspec.Struct, frozen=True, kw_only=True):
    entity: str = msgspec.field(name="entityValue", default="")


class _Health(msgspec.Struct, frozen=True, kw_only=True):
    service: str = ""
    category: str = msgspec.field(name="eventTypeCategory", default="")
    code: Annotated[str, msgspec.Meta(max_length=200)] = msgspec.field(
        name="eventTypeCode", default=""
    )
    begins: str = msgspec.field(name="startTime", default="")
    affected: tuple[_Affected, ...] = msgspec.field(name="affectedEntities", default=())


def parse(body: str) -> tuple[Said, ...]:
    """Return what an event says of instances; raise `Unreadable` for what is no such event."""
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"no event of EventBridge: {error}") from error
    read = _READERS.get((event.source, event.detail_type))
    if read is None:
        raise Unreadable(f"{event.source[:60]!r} {event.detail_type[:80]!r} is not for this queue")
    return read(event)


def _warning(event: _Event) -> tuple[Said, ...]:
    said = str(event.detail.get("instance-action", ""))
    action = _INTERRUPTIONS.get(said)
    if action is None:
        raise Unreadable(f"instance-action {said[:40]!r} is none that EC2 has")
    at = _utc(event.time)
    # Hibernation begins when it is announced.
    dies_at = at if action is NoticeAction.HIBERNATE else at + LEAD
    return (
        Heard(
            instance_id=_instance(event.detail),
            kind=NoticeKind.INTERRUPTION,
            action=action,
            source=NoticeSource.EVENTS,
            at=at,
            dies_at=dies_at,
        ),
    )


def _recommendation(event: _Event) -> tuple[Said, ...]:
    return (
        Heard(
            instance_id=_instance(event.detail),
            kind=NoticeKind.REBALANCE,
            action=NoticeAction.NONE,
            source=NoticeSource.EVENTS,
            at=_utc(event.time),
        ),
    )


def _state_change(event: _Event) -> tuple[Said, ...]:
    state = str(event.detail.get("state", ""))
    instance_id = _instance(event.detail)
    return (Changed(instance_id=instance_id, state=state[:40], region=event.region[:40]),)


def _health(event: _Event) -> tuple[Said, ...]:
    try:
        change = msgspec.convert(event.detail, _Health)
    except msgspec.ValidationError as error:
        raise Unreadable(f"no event of AWS Health: {error}") from error
    if change.service != "EC2" or change.category != "scheduledChange":
        return ()
    action = next((a for word, a in _PLANNED if word in change.code), NoticeAction.NONE)
    return tuple(
        Heard(
            instance_id=InstanceId(each.entity),
            kind=NoticeKind.MAINTENANCE,
            action=action,
            source=NoticeSource.EVENTS,
            at=_utc(event.time),
            dies_at=_begins(change.begins),
            code=change.code,
        )
        for each in change.affected
        if _INSTANCE.fullmatch(each.entity)
    )


_READERS: Mapping[tuple[str, str], Callable[[_Event], tuple[Said, ...]]] = {
    ("aws.ec2", WARNING): _warning,
    ("aws.ec2", RECOMMENDATION): _recommendation,
    ("aws.ec2", STATE_CHANGE): _state_change,
    ("aws.health", HEALTH): _health,
}


def _instance(detail: Mapping[str, Any]) -> InstanceId:
    # The event's resources name it, too, in more than one form: with and without an account.
    found = detail.get("instance-id")
    if not isinstance(found, str) or not _INSTANCE.fullmatch(found):
        raise Unreadable(f"instance-id {str(found)[:60]!r} is none")
    return InstanceId(found)


def _begins(text: str) -> datetime | None:
    """Read an instant as AWS Health writes it: `Wed, 27 Jan 2016 06:03:46 GMT`; None for none."""
    try:
        return _utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None


def _utc(instant: datetime) -> datetime:
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC)
    except OverflowError as error:
        raise Unreadable(f"{instant} is no instant") from error
