"""The settings of the supervisor."""

from datetime import timedelta

import msgspec


class SupervisorSettings(msgspec.Struct, frozen=True):
    """How patient the supervisor is."""

    start_timeout: timedelta = timedelta(seconds=30)
    """A process that is not ready by then has failed to start."""
    drain_timeout: timedelta = timedelta(seconds=10)
    """A process that has not ended by then, after it was asked to, is killed."""
