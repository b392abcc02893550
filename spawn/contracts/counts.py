"""Numbers of things as people write them: `1 call`, `2 calls`, `a; b; and 3 more`."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Write a number of things whose plural takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some_of(texts: Sequence[str], most: int) -> str:
    """Write the first `most` texts one by one, and how many more there are."""
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return "; ".join([*texts[:most], *more])
