"""Writing the spool: what the keeper does with the job's output."""

from __future__ import annotations

import os
from pathlib import Path

SEGMENT = 4 * 1024 * 1024
"""Bytes of a file of the spool, or a piece of output more."""


class Spool:
    """Output in files named by the position of their first byte, together at most `most` bytes."""

    def __init__(self, folder: Path, most: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        starts = self._starts()
        self._oldest = starts[0] if starts else 0
        self._begin = starts[-1] if starts else 0
        self._file = self._open(self._begin)
        self.end = self._begin + os.fstat(self._file).st_size
        self._left_out = 0
        self._in_line = False

    def _starts(self) -> list[int]:
        return sorted(int(path.name) for path in self._folder.glob("[0-9]*"))

    def _open(self, begin: int) -> int:
        path = self._folder / f"{begin:016d}"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, data: bytes) -> None:
        """Append, or leave out and say so in its place once there is room."""
        if self._has_room(len(data)):
            self.note()
            if not self._left_out:
                data = self._append(data)
        self._left_out += len(data)

    def note(self) -> None:
        """Write down how much was left out, if anything was and the disk takes it."""
        if not self._left_out:
            return
        begin = b"\n" if self._in_line else b""
        text = f"[spawn: {self._left_out} bytes of output are left out here: the spool was full]\n"
        if not self._append(begin + text.encode()):
            self._left_out = 0

    def _has_room(self, size: int) -> bool:
        if self.end + size - self._oldest > self._most:
            self._oldest = (self._starts() or [self.end])[0]
        return self.end + size - self._oldest <= self._most

    def _append(self, data: bytes) -> bytes:
        """Return what the disk did not take of it."""
        while data:
            try:
                written = os.write(self._file, data)
            except OSError:
                break
            self._in_line = data[written - 1 : written] != b"\n"
            data = data[written:]
            self.end += written
            if self.end - self._begin >= SEGMENT:
                os.close(self._file)
                self._begin = self.end
                self._file = self._open(self._begin)
        return data
