"""The spot watcher's settings, read from `SPAWN_…`."""

from datetime import timedelta
from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set for the spot watcher, each as `SPAWN_<FIELD>`."""

    spot_setup: Annotated[
        bool,
        msgspec.Meta(
            description="Make the queue and the rules of a region without being asked, once an"
            " array uses spot capacity there; otherwise `spawn spot setup` does"
        ),
    ] = False
    spot_pollers: Annotated[
        int, msgspec.Meta(ge=1, le=16, description="Long polls of each queue, side by side.")
    ] = 2
    spot_wait: Annotated[
        timedelta,
        msgspec.Meta(description="How long one long poll waits; SQS allows 20 s at most."),
    ] = timedelta(seconds=20)
    spot_sweep: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at all notices.")
    ] = timedelta(minutes=1)
