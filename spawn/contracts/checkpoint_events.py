"""What is told of checkpoints; `spawn.contracts.events` has all events."""

from spawn.contracts.event_kinds import MemberEvent


class CheckpointEvent(MemberEvent, frozen=True, kw_only=True):
    """Base of what is said of a member's checkpoint.

    `cause` is one of `CheckpointCause`; `request_id` names the request, where it was one.
    """

    reason: str = ""
    cause: str = ""
    request_id: str = ""


class CheckpointWarned(CheckpointEvent, frozen=True, kw_only=True, tag="checkpoint.warned"):
    """The machine has no checkpoint script that it could run, and `reason` says why."""


class CheckpointStarted(CheckpointEvent, frozen=True, kw_only=True, tag="checkpoint.started"):
    """The checkpoint script runs."""


class CheckpointFinished(CheckpointEvent, frozen=True, kw_only=True, tag="checkpoint.finished"):
    """The checkpoint script has ended well."""

    seconds: float


class CheckpointFailed(CheckpointEvent, frozen=True, kw_only=True, tag="checkpoint.failed"):
    """The checkpoint script failed, hung or could not be run."""

    seconds: float = 0.0
