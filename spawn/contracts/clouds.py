"""Whether the cloud answers: what records say is only as old as the last look at it."""

from datetime import datetime

import msgspec

API_CLOUD = "spawn.api.launcher.cloud"


class CloudRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask whether a region's cloud answers just now."""

    region: str


class CloudReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.launcher.cloud`.

    `seen_at` is when it last answered the launcher that was asked, absent if it never has;
    `reason` is why it doesn't now.
    """

    region: str
    answers: bool
    seen_at: datetime | None = None
    reason: str = ""
