"""Sets of ranks written as ranges: `0-99`, `3,17,40-44`."""

import re
from collections.abc import Iterable
from itertools import pairwise

from spawn.errors import Rejected

MOST_MEMBERS = 100_000
"""Members that an array can have, whatever a deployment allows: ranks have five digits at most."""

_RANGES = re.compile(r"\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*", re.ASCII)


def format_ranks(ranks: Iterable[int]) -> str:
    """Write ranks, in ascending order, as ranges."""
    ordered = sorted(set(ranks))
    if not ordered:
        return ""
    starts = [ordered[0], *(b for a, b in pairwise(ordered) if b != a + 1)]
    ends = [*(a for a, b in pairwise(ordered) if b != a + 1), ordered[-1]]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def parse_ranks(text: str) -> tuple[int, ...]:
    """Read ranges back into ascending ranks; raise `Rejected` when the text is none."""
    if text and not _RANGES.fullmatch(text):
        raise Rejected(
            f"{text[:80]!r} is not a set of ranks, which go up to"
            f" {MOST_MEMBERS - 1}; write it like 3,17,40-44"
        )
    ranks: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        ranks.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(ranks))
