"""What the parts of the EC2 door share: one client, made when first needed, and its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from types_aiobotocore_ec2 import EC2Client

    from spawn.aws.calls import Calls
    from spawn.aws.pacing import Pacer

T = TypeVar("T")


class Ec2Base:
    """EC2's client in one region, behind `Calls`."""

    def __init__(self, client: Callable[[], Awaitable[EC2Client]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    @property
    def pacer(self) -> Pacer:
        """The pacer that every call of this region goes through."""
        return self._calls.pacer


def chunked(items: Iterable[T], size: int) -> list[list[T]]:
    """Return the items, each once, in lists of at most `size`."""
    unique = list(dict.fromkeys(items))
    return [unique[start : start + size] for start in range(0, len(unique), size)]
