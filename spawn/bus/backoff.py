"""How long to wait before the next try."""

import random
from collections.abc import Iterator
from datetime import timedelta


def delays(first: timedelta, longest: timedelta) -> Iterator[timedelta]:
    """Yield doubling waits for ever, each between half and all of its step, `longest` at most."""
    step = first
    while True:
        yield jittered(step)
        step = min(step * 2, longest)


def jittered(duration: timedelta) -> timedelta:
    """Return between half and all of `duration`, so that many who wait don't come back at once."""
    return duration * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
