"""How often successors were asked for: the budget of a rank, and who was asked for lately."""

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from spawn.contracts.arrays import Array
from spawn.contracts.ranks import parse_ranks

BUDGET = 3
"""Successors of one rank within `WINDOW`: what is lost more often has another cause."""

WINDOW = timedelta(hours=1)

ASK_AGAIN = timedelta(minutes=3)
"""How long after they could not be had successors are asked for again."""


class Asked(NamedTuple):
    """How often each rank had successors within the hour, and for whom they were asked lately."""

    times: Counter[int]
    lately: frozenset[tuple[int, int]]


def asked_of(array: Array, now: datetime) -> Asked:
    """Look through an array's successions once: a storm leaves many, each of many ranks."""
    times, lately = Counter[int](), set[tuple[int, int]]()
    for each in array.successions:
        ranks = parse_ranks(each.ranks) if now - each.at < WINDOW else ()
        times.update(ranks)
        if now - each.at < ASK_AGAIN:
            lately.update((each.generation, rank) for rank in ranks)
    return Asked(times, frozenset(lately))
