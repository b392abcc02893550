"""The IAM broker's settings, read from `SPAWN_…`."""

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
