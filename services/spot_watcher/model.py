"""The spot watcher's own nouns: what was said of instances, and what follows from it."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, NoticeSource


class Unreadable(ValueError):  # noqa: N818 - what a message is, not a failure of ours
    """A message is none of those that the queue is for; the text says why."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody says that something will happen to an instance; `at` is when the cloud said so."""

    instance_id: InstanceId
    kind: NoticeKind
    action: NoticeAction
    source: NoticeSource
    at: datetime
    dies_at: datetime | None = None
    code: str = ""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An instance is in another state; EC2's word for it."""

    instance_id: InstanceId
    state: str
    region: str


Said = Heard | Changed


class Holder(NamedTuple):
    """The member that an instance is, or was."""

    array_id: ArrayId
    rank: int
    generation: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a plan decides; `reason` is for the log."""

    reason: str


class Create(Step, frozen=True, kw_only=True):
    """Write the first record of a notice."""

    record: Notice


class Renew(Step, frozen=True, kw_only=True):
    """Replace the record: what is noticed now is another occasion than before."""

    record: Notice


class Amend(Step, frozen=True, kw_only=True):
    """Replace the record by one that knows more of the same occasion."""

    record: Notice


class Repeat(Step, frozen=True, kw_only=True):
    """Nothing is new."""

    record: Notice


Steps = Create | Renew | Amend | Repeat
