"""How the door is used; where AWS is, and as whom, botocore reads from its own AWS_* variables."""

from datetime import timedelta

import msgspec


class AwsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with prefix `SPAWN_AWS_`.

    `buckets` overrides token buckets as `API=burst/per-second`, for calls, or
    `API.instances=burst/per-second`, for the instances that they touch.
    """

    buckets: tuple[str, ...] = ()
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=60)
    max_pool_connections: int = 32
