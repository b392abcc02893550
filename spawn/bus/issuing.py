"""Identities that the server believes: NATS JWTs, signed with the key of an account.

(https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt, and
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-26.md for what
auth callout expects.)
"""

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import nkeys as untyped  # pyright: ignore[reportMissingTypeStubs]  it has none

from spawn.bus import codec
from spawn.bus.identity import new_id
from spawn.errors import Rejected

T = TypeVar("T")

_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
_SEED_BYTES = 32
_PARTS = 3

nkeys: Any = untyped


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is on the bus, until when, and all that they may say and hear."""

    name: str
    account: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    expires: datetime


class Issuer:
    """The key pair of an account, which signs for it. `seed` is a secret."""

    def __init__(self, seed: bytes) -> None:
        self._keys = nkeys.from_seed(bytearray(seed))
        self.public: str = self._keys.public_key.decode()

    def user(self, key: str, permissions: Permissions, *, now: datetime) -> str:
        """Return the JWT of a user: `key` is the public one that the server has given it."""
        claims = {
            "type": "user",
            "version": 2,
            "pub": {"allow": permissions.publish},
            "sub": {"allow": permissions.subscribe},
            "subs": _MOST_SUBSCRIPTIONS,
            "data": -1,
            "payload": -1,
            "allowed_connection_types": ["STANDARD", "WEBSOCKET"],
        }
        return self._sign(
            {
                "sub": key,
                "aud": permissions.account,
                "name": permissions.name,
                "exp": int(permissions.expires.timestamp()),
                "nats": claims,
            },
            now,
        )

    def verdict(self, key: str, *, server: str, now: datetime, jwt: str = "", no: str = "") -> str:
        """Return what the server is answered about a user: its JWT, or why not."""
        answer = {"jwt": jwt} if jwt else {"error": no}
        claims = {"type": "authorization_response", "version": 2, **answer}
        return self._sign({"sub": key, "aud": server, "nats": claims}, now)

    def _sign(self, claims: Mapping[str, Any], now: datetime) -> str:
        full = {"iss": self.public, "iat": int(now.timestamp()), "jti": new_id(), **claims}
        text = f"{_encode(_HEADER)}.{_encode(full)}"
        return f"{text}.{_base64(self._keys.sign(text.encode()))}"


_MOST_SUBSCRIPTIONS = 16
"""A machine needs three, and a few while it reconnects."""


def new_seed() -> bytes:
    """Return the seed of a new key pair of an account."""
    seed: bytes = nkeys.encode_seed(os.urandom(_SEED_BYTES), nkeys.PREFIX_BYTE_ACCOUNT)
    return seed


def claims_of(jwt: bytes, kind: type[T]) -> T:
    """Return what a JWT says, its signature unlooked at; raise `Rejected` when it is none."""
    parts = jwt.split(b".")
    if len(parts) != _PARTS:
        raise Rejected("not a JWT", code="InvalidMessage")
    try:
        data = base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4))
    except ValueError as error:
        raise Rejected("not a JWT", code="InvalidMessage") from error
    return codec.decode(data, kind)


def _encode(value: Mapping[str, Any]) -> str:
    return _base64(codec.encode(value))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
