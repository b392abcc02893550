"""Secrets of the bus, made once, kept in 0600 files: passwords of users, and a signing key."""

import secrets
from typing import cast

import msgspec

from spawn.bus.issuing import Issuer, new_seed
from spawn.runtime.files import write_private
from spawn.runtime.home import USERS, Home, User

_BYTES = 24


def ensure(home: Home) -> dict[User, str]:
    """Return the password of each bus user, made now for those that have none yet."""
    known = _read(home)
    passwords: dict[User, str] = {
        user: known.get(user) or secrets.token_urlsafe(_BYTES) for user in USERS
    }
    write_private(home.credentials, msgspec.json.encode(passwords))
    for user in USERS:
        write_private(home.creds(user), f"{user}:{passwords[user]}\n".encode())
    return passwords


def ensure_issuer(home: Home) -> str:
    """Return the public key that signs who a machine is, made now if there is none yet."""
    try:
        seed = home.callout_seed.read_bytes().strip()
    except FileNotFoundError:
        seed = new_seed()
        write_private(home.callout_seed, seed + b"\n")
    return Issuer(seed).public


def _read(home: Home) -> dict[User, str]:
    try:
        found = msgspec.json.decode(home.credentials.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    return cast("dict[User, str]", found)
