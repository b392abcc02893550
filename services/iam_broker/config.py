"""The IAM broker's settings, read from `SPAWN_…`."""

from datetime import timedelta
from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set for the IAM broker, each as `SPAWN_<FIELD>`.

    Without the first two, machines are not let in by this broker.
    """

    callout_creds: Annotated[
        str,
        msgspec.Meta(
            description="Path of a file of mode 0600, `user:password` of the bus user whom the"
            " server asks about machines"
        ),
    ] = ""
    callout_seed: Annotated[
        str,
        msgspec.Meta(
            description="Path of a file of mode 0600, the seed of the account key that signs what"
            " the server is answered"
        ),
    ] = ""
    system_creds: Annotated[
        str,
        msgspec.Meta(
            description="Path of a file of mode 0600, `user:password` of a bus user of the system"
            " account, who closes the connections of machines that have ended"
        ),
    ] = ""
    regions: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Regions that are swept even when no record names them, with commas."
        ),
    ] = ()
    iam_boundary: Annotated[
        str,
        msgspec.Meta(
            description="ARN of the managed policy that bounds every role; without it,"
            " spawn-boundary, which is made"
        ),
    ] = ""
    iam_allowed_roles: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Existing roles that --iam-role may name, with commas"),
    ] = ()
    iam_ceiling: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Permissions that no launch may go above, service:Level with commas;"
            " without it there is no such limit"
        ),
    ] = ()
    iam_grace: Annotated[
        timedelta, msgspec.Meta(description="How long a grant that nobody uses is kept.")
    ] = timedelta(hours=24)
