"""Ids that are new."""

import secrets


def new_id() -> str:
    """Return an id that nobody else has: 128 random bits."""
    return secrets.token_hex(16)
