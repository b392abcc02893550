"""One line for each RunInstances call, for tests and the bench to look at."""

from datetime import datetime

import msgspec

from sandbox.ec2.records import ReservationId
from sandbox.request import Region

KEPT = 10_000
"""Lines kept: the newest."""


class LaunchEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a RunInstances call asked for and what came of it."""

    at: datetime
    region: Region
    client_token: str
    min_count: int | None
    max_count: int | None
    instance_type: str
    count: int
    """Instances in the answer, 0 when it was an error."""
    reservation_id: ReservationId | None
    replayed: bool
    """True when the answer was an earlier reservation."""
    code: str
    """The error code, empty on success."""
