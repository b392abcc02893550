"""What the parts of the IAM door share: one client, made when first needed, and its calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from types_aiobotocore_iam import IAMClient
    from types_aiobotocore_iam.type_defs import TagTypeDef

    from spawn.aws.calls import Calls


class IamBase:
    """IAM's client, behind `Calls`."""

    def __init__(self, client: Callable[[], Awaitable[IAMClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls


def text_of(document: object) -> str:
    """Return a policy document as JSON: botocore gives those that it could read as objects."""
    return document if isinstance(document, str) else json.dumps(document)


def tags_of(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Return tags as IAM takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
