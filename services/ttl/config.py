"""The TTL service's settings, read from `SPAWN_…`."""

from datetime import timedelta
from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set for the TTL service, each as `SPAWN_<FIELD>`."""

    max_ttl: Annotated[
        timedelta, msgspec.Meta(description="Longest time from now to the end of a lease.")
    ] = timedelta(days=7)
    lease_sweep: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at all leases and timers.")
    ] = timedelta(seconds=20)
