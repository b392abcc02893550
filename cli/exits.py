"""Exit codes, and the one place where an error becomes a code and a sentence on stderr."""

import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import cast

from spawn.errors import Conflict, NotFound, Outcome, Rejected, Transient


class Exit(IntEnum):
    """What the exit code of every command means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REJECTED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    TIMED_OUT = 6
    BUG = 70
    DETACHED = 130


class Ended(Exception):  # noqa: N818 - the end of a command is not always an error
    """A command ends here, with this code and, unless it is empty, this sentence on stderr."""

    def __init__(self, code: Exit, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Usage(Ended):
    """The command line can't be understood: the message names the flag and what is right."""

    def __init__(self, message: str) -> None:
        super().__init__(Exit.USAGE, message)


_OUTCOMES: tuple[tuple[type[Outcome], Exit], ...] = (
    (Rejected, Exit.REJECTED),
    (Conflict, Exit.REJECTED),
    (NotFound, Exit.NOT_FOUND),
    (Transient, Exit.UNREACHABLE),
)


def ended_by(error: BaseException) -> Ended:
    """Turn whatever a command raised into its end."""
    leaf = next(_leaves(error))
    if isinstance(leaf, Ended):
        return leaf
    if isinstance(leaf, KeyboardInterrupt):
        return Ended(Exit.DETACHED)
    for kind, code in _OUTCOMES:
        if isinstance(leaf, kind):
            return Ended(code, leaf.message)
    return Ended(
        Exit.BUG,
        f"this is a defect of spawn: {type(leaf).__name__}: {leaf}"
        " (SPAWN_DEBUG=1 shows where it happened)",
    )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what a group of exceptions holds, what a person can act on first."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
    leaves = [leaf for part in parts for leaf in _leaves(part)]
    yield from sorted(leaves, key=lambda leaf: not isinstance(leaf, (Ended, Outcome)))


def guard(run: Callable[[], object], *, debug: bool = False) -> int:
    """Run a command to its end: return the exit code, with at most one message on stderr.

    `debug` lets a defect's traceback through.
    """
    try:
        run()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is where all errors end
        end = ended_by(error)
        if debug and end.code is Exit.BUG:
            raise
        if end.message:
            print(f"spawn: {end.message}", file=sys.stderr)  # noqa: T201 - the message
        return end.code
    return Exit.DONE


def silence_stdout() -> None:
    """Keep the interpreter from writing to a pipe that nobody reads any more."""
    sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until exit
