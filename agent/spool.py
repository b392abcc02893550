"""Reading the spool that the keeper writes: bytes by their position, over segments."""

from __future__ import annotations

from pathlib import Path

KEEP_BYTES = 64 * 1024 * 1024
"""Bytes of sent output that stay on the machine, to be read there."""


class SpoolReader:
    """The segments of a folder, each named by the position of its first byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def segments(self) -> list[tuple[int, Path]]:
        """Return the segments in order, each with its first position."""
        if not self._folder.exists():
            return []
        return sorted((int(path.name), path) for path in self._folder.glob("[0-9]*"))

    def end(self) -> int:
        """Return the position behind the last byte."""
        found = self.segments()
        if not found:
            return 0
        begin, path = found[-1]
        return begin + path.stat().st_size

    def read(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes from `position` on; none when there are none yet."""
        pieces: list[bytes] = []
        for begin, path in self.segments():
            if position < begin or size <= 0:
                break
            if position >= begin + path.stat().st_size:
                continue
            with path.open("rb") as file:
                file.seek(position - begin)
                piece = file.read(size)
            pieces.append(piece)
            position += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def tail(self, end: int, size: int) -> bytes:
        """Return the last `size` bytes before `end`."""
        return self.read(max(end - size, 0), min(size, end))

    def forget(self, acknowledged: int) -> None:
        """Remove what was sent and is older than the newest `KEEP_BYTES`."""
        found = self.segments()
        oldest = min(acknowledged, self.end() - KEEP_BYTES)
        for (_, path), (next_begin, _) in zip(found, found[1:]):
            if next_begin <= oldest:
                path.unlink()
