"""Random passwords of the bus users, made once, kept in 0600 files."""

import secrets
from typing import cast

import msgspec

from spawn.runtime.files import write_private
from spawn.runtime.home import USERS, Home, User

_BYTES = 24


def ensure(home: Home) -> dict[User, str]:
    """Return the password of each bus user, made now if there are none yet."""
    passwords = _read(home) or {user: secrets.token_urlsafe(_BYTES) for user in USERS}
    write_private(home.credentials, msgspec.json.encode(passwords))
    for user in USERS:
        write_private(home.creds(user), f"{user}:{passwords[user]}\n".encode())
    return passwords


def _read(home: Home) -> dict[User, str] | None:
    try:
        found = msgspec.json.decode(home.credentials.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return None
    return cast("dict[User, str]", found) if set(found) >= set(USERS) else None
