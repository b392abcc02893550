"""Output of jobs as it is shown: each line once, behind the name of its member."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from cli.render import note
from spawn.bus.logs import Logged
from spawn.contracts.logs import Block

Write = Callable[[bytes], None]
"""Writes whole lines, as they are."""

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""Foreground colours of a terminal that can be told apart on black and on white
(https://en.wikipedia.org/wiki/ANSI_escape_code#Colors)."""


class Taken(msgspec.Struct, frozen=True):
    """What is new of a block: lines, the number of the first, and how many are missing before."""

    lines: list[bytes]
    first_line: int
    missing: int


class Continuity:
    """What has been shown of each rank, by generation."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, int], int] = {}

    def take(self, block: Block) -> Taken:
        """Return what of a block was not shown yet.

        Nothing is missing before the first block of a generation: the stream gave it up, or it
        wasn't asked for.
        """
        key = (block.rank, block.generation)
        expected = self._next.get(key, block.first_line)
        begin = max(expected, block.first_line)
        self._next[key] = max(expected, block.first_line + block.lines)
        return Taken(
            lines=split_lines(block.data)[begin - block.first_line :],
            first_line=begin,
            missing=begin - expected,
        )


def split_lines(data: bytes) -> list[bytes]:
    """Split at newlines alone, which are left out."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


class Prefix:
    """What stands before each line: `training-3 | `, or nothing when that isn't wanted."""

    def __init__(self, name: str, *, wanted: bool, coloured: bool) -> None:
        self._name = name
        self._wanted = wanted
        self._coloured = coloured

    def put_before(self, rank: int, lines: list[bytes]) -> bytes:
        """Return whole lines, each behind its prefix."""
        prefix = self._of(rank) if self._wanted else b""
        return b"".join(b"%s%s\n" % (prefix, line) for line in lines)

    def _of(self, rank: int) -> bytes:
        text = f"{self._name}-{rank} |"
        if self._coloured:
            text = f"\x1b[{_COLOURS[rank % len(_COLOURS)]}m{text}\x1b[0m"
        return f"{text} ".encode()


class Printer(Protocol):
    """Where a block's new lines go."""

    def show(self, logged: Logged, taken: Taken) -> None:
        """Show what is new of a block."""
        ...


class TextPrinter:
    """Shows lines behind their prefix."""

    def __init__(self, prefix: Prefix, write: Write) -> None:
        self._prefix = prefix
        self._write = write

    def show(self, logged: Logged, taken: Taken) -> None:
        """Write the lines of a block at once."""
        self._write(self._prefix.put_before(logged.block.rank, taken.lines))


class FirstLines:
    """Shows the first lines only, and how to see the rest."""

    def __init__(self, printer: Printer, *, most: int, rest: str) -> None:
        self._printer = printer
        self._left = most
        self._rest = rest

    def show(self, logged: Logged, taken: Taken) -> None:
        """Show what is still wanted."""
        if not self._left:
            return
        shown = msgspec.structs.replace(taken, lines=taken.lines[: self._left])
        self._printer.show(logged, shown)
        self._left -= len(shown.lines)
        if not self._left:
            note(self._rest)


class OutputLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as JSON; `base64` holds what it is made of when that is no text in UTF-8."""

    array_id: str
    rank: int
    generation: int
    line: int
    stored_at: datetime
    text: str
    base64: str | msgspec.UnsetType = msgspec.UNSET


class JsonPrinter:
    """Shows lines as objects."""

    def __init__(self, array_id: str, write: Write) -> None:
        self._array_id = array_id
        self._write = write

    def show(self, logged: Logged, taken: Taken) -> None:
        """Write an object for each line."""
        numbered = enumerate(taken.lines, taken.first_line)
        objects = (self._line(logged, line, number) for number, line in numbered)
        self._write(b"".join(msgspec.json.encode(each) + b"\n" for each in objects))

    def _line(self, logged: Logged, line: bytes, number: int) -> OutputLine:
        text, encoded = as_text(line)
        return OutputLine(
            array_id=self._array_id,
            rank=logged.block.rank,
            generation=logged.block.generation,
            line=number,
            stored_at=logged.stored_at,
            text=text,
            base64=encoded,
        )


def as_text(data: bytes) -> tuple[str, str | msgspec.UnsetType]:
    """Return bytes as text, and in base64 when they are none in UTF-8."""
    try:
        return data.decode(), msgspec.UNSET
    except UnicodeDecodeError:
        return data.decode(errors="replace"), base64.b64encode(data).decode()
