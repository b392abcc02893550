"""Permissions that a launch needs for its checkpoints, without having to ask for them."""

import msgspec

from spawn.contracts.grants import Permissions
from spawn.contracts.launches import LaunchSpec
from spawn.permissions.documents import VERSION, minified
from spawn.permissions.realm import partition_of


def with_implied(spec: LaunchSpec) -> Permissions:
    """Return what machines may do: what was asked for, and what their checkpoints need.

    That is to get exactly the script, and to read and write below exactly the place of the
    checkpoints. A role that exists has what it has: nothing is added to it.
    """
    asked = spec.permissions
    if asked.role:
        return asked
    return msgspec.structs.replace(
        asked,
        policies=(*asked.policies, *_place(spec.checkpoint_uri)),
        documents=(*asked.documents, *_script(spec)),
    )


def _place(uri: str) -> tuple[str, ...]:
    if not uri:
        return ()
    return (f"s3:ReadWrite:{uri.removeprefix('s3://').rstrip('/')}/*",)


def _script(spec: LaunchSpec) -> tuple[str, ...]:
    if not spec.checkpoint_script.startswith("s3://"):
        return ()
    resource = spec.checkpoint_script.removeprefix("s3://")
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition_of(spec.region)}:s3:::{resource}",
    }
    return (minified({"Statement": [statement], "Version": VERSION}),)
