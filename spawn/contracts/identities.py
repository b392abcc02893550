"""Identities of machines on the bus: how one is proved, and what it may say and hear.

A machine sends, as its token, base64url of JSON: a POST of STS's GetCallerIdentity that it has
signed with its role's credentials. The broker makes that call; STS says whose signature it is.
"""

import msgspec

from spawn.contracts.assignments import (
    API_ASSIGNMENT,
    API_PEERS,
    tell_all_subject,
    tell_subject,
)
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.logs import log_subject
from spawn.contracts.reports import report_subject

ACCOUNT = "APP"
"""The account of the bus that services, users and machines share."""

AUDIENCE_HEADER = "x-spawn-audience"
"""Signed header: the deployment that the proof is for."""

NONCE_HEADER = "x-spawn-nonce"
"""Signed header: 11 to 64 random letters, digits, hyphens and underscores, used once."""

SIGNED_HEADERS = (
    "content-type",
    "host",
    "x-amz-date",
    "x-amz-security-token",
    AUDIENCE_HEADER,
    NONCE_HEADER,
)
"""What the signature must cover, in SigV4's order; `authorization` is the only other header."""

PROOF_BODY = "Action=GetCallerIdentity&Version=2011-06-15"

INBOX = "_INBOX_machine"
"""Machines' inboxes stand under `<INBOX>.<instance>`, where no user of the bus may listen."""


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed call as a machine sends it."""

    v: int
    url: str
    headers: dict[str, str]
    body: str


class SignedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A signed POST that has been found to be GetCallerIdentity and nothing else."""

    url: str
    headers: dict[str, str]
    body: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which machine it is: the instance that fills a rank of an array."""

    array_id: ArrayId
    instance_id: InstanceId
    rank: int


def inbox_of(instance_id: InstanceId) -> str:
    """Return the prefix of a machine's inboxes."""
    return f"{INBOX}.{instance_id}"


def may_publish(identity: Identity) -> tuple[str, ...]:
    """Return the subjects on which a machine may speak."""
    array_id, instance_id = identity.array_id, identity.instance_id
    return (
        report_subject(array_id, instance_id, ">"),
        log_subject(array_id, identity.rank),
        f"spawn.api.launcher.{API_ASSIGNMENT}.{array_id}.{instance_id}",
        f"spawn.api.launcher.{API_PEERS}.{array_id}.{instance_id}",
    )


def may_subscribe(identity: Identity) -> tuple[str, ...]:
    """Return the subjects that a machine may hear."""
    array_id, instance_id = identity.array_id, identity.instance_id
    return (
        tell_all_subject(array_id),
        tell_subject(array_id, instance_id),
        f"{inbox_of(instance_id)}.>",
    )
