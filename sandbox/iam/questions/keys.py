"""KMS's keys: by id, by ARN, by alias, or by what was encrypted with them."""

import binascii
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from sandbox.iam.questions.asking import Asking, Values

_ID_LENGTH = 36
"""moto writes the key's id, a UUID, in front of what it encrypts."""


def key(asking: Asking) -> Iterable[str]:
    """Yield the ARN of the key that a call is for, whether it exists or not."""
    given = asking.text("KeyId") or _encrypted_with(asking.text("CiphertextBlob"))
    if not given:
        return
    name = given.rpartition(":key/")[2]
    if "alias/" in given:
        alias = given[given.index("alias/") :]
        known: str | None = _backend(asking).get_key_id_from_alias(alias)
        name = known or given
    yield asking.arn("kms", f"key/{name}")


def aliases_of(asking: Asking, arn: str) -> Values:
    """Return the aliases of a key."""
    known: Any = _backend(asking).keys.get(arn.rpartition("/")[2])
    return () if known is None else tuple(known.aliases)


def _encrypted_with(blob: str) -> str:
    try:
        return b64decode(blob)[:_ID_LENGTH].decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _backend(asking: Asking) -> Any:
    from moto.kms.models import kms_backends  # noqa: PLC0415  takes 0.1 s, and is seldom needed

    return kms_backends[asking.call.account][asking.call.region]
