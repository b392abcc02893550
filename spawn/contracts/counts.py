"""Numbers of things as people write them: `1 call`, `2 calls`."""


def counted(number: int, noun: str) -> str:
    """Write a number of things whose plural takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
