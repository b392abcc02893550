"""The four outcomes that every door translates its vendor's errors into.

A handler that raises one decides what becomes of its message: `Transient` is delivered again,
the other three are final. Texts are for people and never carry a secret.
"""

from datetime import timedelta
from enum import StrEnum


class Cause(StrEnum):
    """Why a call did not do what was asked, in our words rather than the vendor's."""

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    INTERNAL = "internal"
    PROPAGATING = "propagating"
    CAPACITY = "capacity"
    QUOTA = "quota"
    PERMISSION = "permission"
    INVALID = "invalid"
    EXISTS = "exists"
    ABSENT = "absent"


class Outcome(Exception):  # noqa: N818 - an outcome is what happened, not always an error
    """Base of the four outcomes: a stable `code`, a `cause` and a text that says what to do."""

    cause: Cause = Cause.INTERNAL

    def __init__(self, message: str, *, code: str = "", cause: Cause | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.cause = cause or self.cause


class Transient(Outcome):
    """It may work later, unchanged: throttling, an unreachable peer, a slow propagation.

    `retry_after`: how long to wait before the next try, where the peer said so.
    """

    cause = Cause.UNREACHABLE

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        cause: Cause | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, code=code, cause=cause)
        self.retry_after = retry_after


class Rejected(Outcome):
    """It will never work as asked: `field` names what to change, the message what is right."""

    cause = Cause.INVALID

    def __init__(
        self, message: str, *, field: str = "", code: str = "", cause: Cause | None = None
    ) -> None:
        super().__init__(message, code=code, cause=cause)
        self.field = field


class NotFound(Outcome):
    """What was named does not exist, or not any more."""

    cause = Cause.ABSENT


class Conflict(Outcome):
    """Something else was written or claimed first."""

    cause = Cause.EXISTS


def first_outcome(group: BaseExceptionGroup[Outcome]) -> Outcome:
    """Return the first outcome of a task group: one cause is enough to stop, and to say why."""
    for each in group.exceptions:
        return first_outcome(each) if isinstance(each, BaseExceptionGroup) else each
    raise ValueError("an exception group is never empty")
