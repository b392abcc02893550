"""How the door is used; where AWS is, and as whom, botocore reads from its own AWS_* variables."""

from datetime import timedelta
from typing import Annotated

import msgspec

from spawn.aws.buckets import parse_buckets


class AwsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The connection to AWS, each as `SPAWN_AWS_<FIELD>`."""

    buckets: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Token buckets in place of EC2's documented ones, with commas:"
            " API=burst/per-second for calls, API.instances=burst/per-second for the instances"
            " that they touch"
        ),
    ] = ()
    connect_timeout: Annotated[
        timedelta, msgspec.Meta(description="How long a connection to AWS may take to open")
    ] = timedelta(seconds=5)
    read_timeout: Annotated[
        timedelta, msgspec.Meta(description="How long AWS may stay silent before a call is lost")
    ] = timedelta(seconds=60)
    max_pool_connections: Annotated[
        int, msgspec.Meta(ge=1, description="Connections to one service in one region")
    ] = 32

    def __post_init__(self) -> None:
        parse_buckets(self.buckets)
