"""Client tokens: the same request twice makes one reservation.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html: with a subnet or zone
the token counts in that zone only, else in the region.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NewType

import msgspec

from sandbox.ec2.records import Record, ReservationId
from sandbox.ec2.states import State
from sandbox.errors import AwsError

Fingerprint = NewType("Fingerprint", str)

MAX_LENGTH = 64
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html"""
KEPT_FOR = timedelta(hours=48)
"""Longer than any caller retries; AWS names no lifetime."""

_NOT_COMPARED = frozenset({"ClientToken", "DryRun"})


class Use(msgspec.Struct, frozen=True):
    """What a token was used for."""

    fingerprint: Fingerprint
    reservation: ReservationId
    at: datetime


class Tokens:
    """The tokens that were used in one account and region, by token and zone."""

    def __init__(self) -> None:
        self._uses: dict[tuple[str, str | None], Use] = {}

    def look_up(self, token: str, zone: str | None, fingerprint: Fingerprint) -> Use | None:
        """Return the earlier use of a token, None when it is new.

        Raises `AwsError` IdempotentParameterMismatch when the parameters were others.
        """
        use = self._uses.get((token, zone))
        if use is not None and use.fingerprint != fingerprint:
            raise AwsError(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used "
                "in previous request(s).",
            )
        return use

    def remember(self, token: str, zone: str | None, use: Use) -> None:
        """Bind a token to what it made, and drop what is older than any retry."""
        self._uses[token, zone] = use
        while self._uses:
            oldest = next(iter(self._uses))
            if use.at - self._uses[oldest].at <= KEPT_FOR:
                return
            del self._uses[oldest]


def fingerprint(parameters: dict[str, Any]) -> Fingerprint:
    """Return a digest of a launch's parameters, without the token itself."""
    compared = {k: v for k, v in parameters.items() if k not in _NOT_COMPARED}
    encoded = msgspec.json.encode(compared, order="deterministic")
    return Fingerprint(sha256(encoded).hexdigest())


def replay(instances: Sequence[Record]) -> None:
    """Check that a reservation can be returned again.

    Raises `AwsError` IdempotentInstanceTerminated when all its instances have ended.
    """
    if all(record.state in {State.SHUTTING_DOWN, State.TERMINATED} for record in instances):
        raise AwsError(
            "IdempotentInstanceTerminated",
            "The client token that you have provided is associated with an instance that "
            "has been terminated. Use a new client token.",
        )
