"""Notices: what the cloud says is going to happen to an instance, written by the spot watcher.

A notice has one record however many sources say it, and however often. It is told to the world as
`notice.interruption`, `notice.rebalance` or `notice.maintenance`, to every machine of the array
as a tell (`spawn.tell.<array>.all`) and to the machine that it is about once more on its own
subject (`spawn.tell.<array>.<instance>`). Both tells are `Tell(what="notice", notice=Told(...))`.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, InstanceId

BUCKET = "spawn-notices"
"""Key-value bucket of `Notice`, keyed by `notice_key`."""

SUBJECT_LOOK = "spawn.cmd.launcher.look"
"""Look at an instance now rather than at the next sweep."""

API_SETUP = "spawn.api.spot_watcher.setup"
"""Make the queue and the rules of a region."""

API_WATCH = "spawn.api.spot_watcher.watch"
"""Say what is watched."""


class NoticeKind(StrEnum):
    """What the cloud announces."""

    INTERRUPTION = "interruption"
    REBALANCE = "rebalance"
    MAINTENANCE = "maintenance"


class NoticeAction(StrEnum):
    """What happens to the instance; nothing yet, where an interruption has become likelier."""

    TERMINATE = "terminate"
    STOP = "stop"
    HIBERNATE = "hibernate"
    NONE = "none"


class NoticeSource(StrEnum):
    """Who has said it: the cloud's events by the queue, or the machine's metadata service."""

    EVENTS = "events"
    METADATA = "metadata"


# Thousands of records live long: as trees without cycles they're no work for the collector.
class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One notice of one instance.

    `dies_at` is when the action begins, where the cloud says so: always for an interruption,
    never for a rebalance. `code` is the cloud's word for planned work. `outbox` holds the events
    that the last write caused.
    """

    array_id: ArrayId
    rank: int
    generation: int
    instance_id: InstanceId
    kind: NoticeKind
    action: NoticeAction
    noticed_at: datetime
    dies_at: datetime | None = None
    sources: tuple[NoticeSource, ...] = ()
    code: str = ""
    version: int = 1
    outbox: tuple[Event, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a machine is told of a notice: its own, or that of one of its peers."""

    instance_id: InstanceId
    rank: int
    generation: int
    kind: NoticeKind
    action: NoticeAction
    dies_at: datetime | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to look at an instance: the cloud has said that it is in another state.

    A hint, which may be lost: what counts is what EC2 then says.
    """

    array_id: ArrayId
    instance_id: InstanceId
    state: str


class SetupRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the queue and the rules of a region (empty: the control plane's own)."""

    region: str = ""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The queue and the rules of a region as they are now; `made` names what was missing."""

    region: str
    queue: str
    rules: tuple[str, ...]
    made: tuple[str, ...] = ()


class WatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask what is watched."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a region's queue is there and read; `reason` says why not."""

    region: str
    queue: str
    is_read: bool
    reason: str = ""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, by region."""

    regions: tuple[Watch, ...]


def notice_key(instance_id: InstanceId, kind: NoticeKind, action: NoticeAction) -> str:
    """Return the key of a notice: `<instance>.<action>` for an interruption, else its kind.

    Work that is planned for next week must not hide an interruption with the same action.
    """
    return f"{instance_id}.{action if kind is NoticeKind.INTERRUPTION else kind}"
