"""Putting a wrapper in the place of something of moto's, and taking it off again."""

from collections.abc import Callable
from typing import Any


def replace(owner: Any, name: str, replacement: Any) -> Callable[[], None]:
    """Set an attribute of a class; call the result to have it as it was."""
    own = name in owner.__dict__
    before = owner.__dict__.get(name)
    setattr(owner, name, replacement)

    def restore() -> None:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)

    return restore
