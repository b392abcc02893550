"""The settings of the supervisor."""

from datetime import timedelta
from typing import Annotated

import msgspec


class SupervisorSettings(msgspec.Struct, frozen=True):
    """How patient the supervisor is."""

    start_timeout: Annotated[
        timedelta,
        msgspec.Meta(description="A process that is not ready by then has failed to start"),
    ] = timedelta(seconds=30)
    drain_timeout: Annotated[
        timedelta,
        msgspec.Meta(
            description="A process that was asked to end and has not by then is killed; longer"
            " than SPAWN_DRAIN, so that its handlers come to an end"
        ),
    ] = timedelta(seconds=15)
