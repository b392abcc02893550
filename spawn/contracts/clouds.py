"""Whether the cloud answers: what records say is only as old as the last look at it."""

from datetime import datetime

import msgspec

from spawn.contracts.ids import ArrayId

API_CLOUD = "spawn.api.launcher.cloud"


class CloudRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask how the cloud sees an array just now."""

    array_id: ArrayId


class CloudReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.launcher.cloud`.

    `seen_at` is when the array's region last answered the launcher that was asked, absent if it
    never has; `reason` is why it doesn't now. `unlisted` are ranks, as ranges, whose instances ran
    and are not listed any more.
    """

    region: str
    answers: bool
    seen_at: datetime | None = None
    reason: str = ""
    unlisted: str = ""
