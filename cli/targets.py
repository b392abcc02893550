"""Which members a person means: `ARRAY`, `ARRAY:3`, `ARRAY:0,3-5`."""

from collections.abc import Collection

from cli.exits import Usage
from spawn.contracts.members import Member
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import NotFound, Rejected


def split_target(text: str) -> tuple[str, tuple[int, ...]]:
    """Return an array's name or id and the ranks behind its colon; none means all."""
    name, colon, ranks = text.partition(":")
    if colon and not ranks:
        raise Usage(f"{text}: name ranks behind the colon, such as {name}:0,3-5")
    return name, parse_flag_ranks(text, ranks)


def parse_flag_ranks(flag: str, text: str) -> tuple[int, ...]:
    """Parse ranks; raise `Usage` naming the flag."""
    try:
        ranks = parse_ranks(text)
    except Rejected as error:
        raise Usage(f"{flag}: {error.message}") from error
    if text and not ranks:  # which would stand for all of them
        raise Usage(f"{flag}: {text!r} holds no rank: a range begins with the lower one")
    return ranks


def check_ranks(name: str, size: int, ranks: Collection[int]) -> None:
    """Pass when an array of this size has all these ranks; raise `NotFound` otherwise."""
    unknown = [rank for rank in ranks if rank >= size]
    if unknown:
        raise NotFound(f"{name} has ranks 0-{size - 1}, and no {format_ranks(unknown)}")


def member_at(name: str, members: Collection[Member], rank: int) -> Member:
    """Return the member of a rank; raise `NotFound` when it has no machine."""
    for member in members:
        if member.rank == rank and not member.is_over:
            return member
    raise NotFound(f"{name}-{rank} has no machine")
