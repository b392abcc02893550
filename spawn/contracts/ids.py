"""Names and ids: what may stand in a subject, a key or a tag."""

import base64
import hashlib
import re
from typing import NewType

from spawn.errors import Rejected

ArrayId = NewType("ArrayId", str)
InstanceId = NewType("InstanceId", str)
ClientToken = NewType("ClientToken", str)

LONGEST_NAME = 40
"""With `-<rank>` or `-<12 characters>` behind it a name still fits a DNS label of 63 octets
(RFC 1035 §2.3.4)."""

_NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ARRAY_ID = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?-[a-z2-7]{12}")
_SUFFIX_LENGTH = 12


def check_name(name: str, *, field: str = "name") -> str:
    """Return `name` when it can be an array's name; raise `Rejected` naming `field` otherwise."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        raise Rejected(
            f"{field}={shown!r}: use 1 to {LONGEST_NAME} lower-case letters, digits and hyphens,"
            " starting with a letter and not ending with a hyphen",
            field=field,
        )
    return name


def check_request_id(request_id: str, *, field: str = "request_id") -> str:
    """Return `request_id` when it can be one; raise `Rejected` naming `field` otherwise."""
    if not _REQUEST_ID.fullmatch(request_id):
        raise Rejected(
            f"{field}={request_id[:64]!r}: use 1 to 64 letters, digits, hyphens and underscores",
            field=field,
        )
    return request_id


def is_array_id(text: str) -> bool:
    """Say whether `text` has the form of an array id."""
    is_short = len(text) <= LONGEST_NAME + 1 + _SUFFIX_LENGTH
    return is_short and _ARRAY_ID.fullmatch(text) is not None


def array_id(*, deployment: str, owner: str, request_id: str, name: str) -> ArrayId:
    """Derive the id of an array: the same request is the same array, wherever it comes from."""
    digest = hashlib.sha256(f"{deployment}\0{owner}\0{request_id}".encode()).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_SUFFIX_LENGTH]
    return ArrayId(f"{name}-{suffix}")


def client_token(array: ArrayId, number: int, attempt: int) -> ClientToken:
    """Derive the RunInstances token of a chunk's attempt.

    At most 64 ASCII characters
    (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
    """
    return ClientToken(hashlib.sha256(f"{array}\0{number}\0{attempt}".encode()).hexdigest())
