"""What a starting supervisor tells the command that started it: JSON lines over a pipe."""

import os
from contextlib import suppress

import msgspec


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """A step has begun."""

    text: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Everything runs; `control.json` says what."""


class Busy(msgspec.Struct, frozen=True, tag="busy"):
    """Another supervisor holds the state folder."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It did not start, and left nothing behind; `rejected` says that it never will as it is."""

    message: str
    rejected: bool = False


Report = Progress | Ready | Busy | Failed


class Reporter:
    """Writes reports to a pipe; whether anybody reads them makes no difference."""

    def __init__(self, handle: int | None) -> None:
        self._handle = handle

    def tell(self, report: Report) -> None:
        """Write one report; after anything but progress the pipe is closed."""
        if self._handle is None:
            return
        with suppress(BrokenPipeError):
            os.write(self._handle, msgspec.json.encode(report) + b"\n")
        if not isinstance(report, Progress):
            os.close(self._handle)
            self._handle = None


def decode(line: bytes) -> Report:
    """Decode one line."""
    return msgspec.json.decode(line, type=Report)
