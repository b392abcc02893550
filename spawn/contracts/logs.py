"""Output of jobs, in blocks of lines on `spawn.log.<array>.<rank>`.

The body is the raw lines, each with its newline; what they are stands in headers. `Nats-Msg-Id`
is `<array>/<rank>/<generation>/<first line>`, so that a block sent again is the same block.
"""

import msgspec

STREAM = "SPAWN_LOGS"
SUBJECTS = "spawn.log.>"

LARGEST_BLOCK = 64 * 1024
"""Bytes after which a block is sent; or 100 ms after its first line."""

LONGEST_LINE = 16 * 1024
"""Bytes of a line that are kept; the rest of it is replaced by a note that says how much."""

GENERATION, FIRST_LINE, LINES, INSTANCE = (
    "spawn-generation",
    "spawn-first-line",
    "spawn-lines",
    "spawn-instance",
)
"""Header names, in lower case."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive lines of one rank's output, stdout and stderr as the job wrote them.

    `first_line` counts from 0 within a generation.
    """

    rank: int
    generation: int
    first_line: int
    lines: int
    data: bytes


def log_subject(array_id: str, rank: int) -> str:
    """Return the subject of a rank's output."""
    return f"spawn.log.{array_id}.{rank}"
