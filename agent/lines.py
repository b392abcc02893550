"""From bytes of output to blocks of lines: pure, and the same for the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_BLOCK = 64 * 1024
"""Bytes of a block (as in `spawn.contracts.logs`)."""

LONGEST_LINE = 16 * 1024
"""Bytes of a line that are kept; a note tells of the rest."""


@dataclass(frozen=True)
class Block:
    """Whole lines; `taken` is how many bytes of the output they stand for."""

    data: bytes
    lines: int
    taken: int


class Cutter:
    """Takes output in pieces and gives blocks; a line's end may come in any later piece."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0
        self._taken = 0
        self._kept = b""
        self._left_out = 0

    @property
    def is_full(self) -> bool:
        """Whether a line more might not fit in."""
        return self._size > LARGEST_BLOCK - LONGEST_LINE

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def feed(self, data: bytes, most_lines: int = 0) -> int:
        """Take lines until full, or `most_lines` there are; return how many bytes were taken."""
        begin = 0
        while not self.is_full and not 0 < most_lines <= len(self._lines):
            end = data.find(b"\n", begin)
            if end < 0:
                self._keep(data[begin:])
                return len(data)
            self._keep(data[begin:end])
            self._end_line(1)
            begin = end + 1
        return begin

    def close(self) -> None:
        """End the line that has no end: no more output will come."""
        if self._kept or self._left_out:
            self._end_line(0)

    def block(self) -> Block:
        """Return the block of what was taken up to the last line's end, and begin a new one."""
        block = Block(b"".join(self._lines), len(self._lines), self._taken)
        self._lines, self._size, self._taken = [], 0, 0
        return block

    def _keep(self, piece: bytes) -> None:
        room = LONGEST_LINE - len(self._kept)
        self._kept += piece[:room]
        self._left_out += max(len(piece) - room, 0)

    def _end_line(self, newline: int) -> None:
        note = b""
        if self._left_out:
            note = f" [spawn: {self._left_out} bytes of this line are left out]".encode()
        line = self._kept + note + b"\n"
        self._taken += len(self._kept) + self._left_out + newline
        self._lines.append(line)
        self._size += len(line)
        self._kept, self._left_out = b"", 0
