"""What everything inside one init shares: its folder, environment, processes, clock, console."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.machines.folder import Folder
from sandbox.machines.init.processes import Processes
from spawn.clock import Clock


@dataclass(frozen=True)
class World:
    """One machine as its init sees it; `booted` is when this boot began."""

    folder: Folder
    environment: dict[str, str]
    processes: Processes
    clock: Clock
    booted: datetime

    def say(self, text: str) -> None:
        """Write a line to the machine's console; to a folder that was deleted, nothing."""
        with suppress(FileNotFoundError), self.folder.console.open("ab") as console:
            console.write(f"{text}\n".encode())

    def open_output(self, where: str, unit: str) -> int:
        """Open where a unit's output goes, by `StandardOutput=`; the caller closes it.

        Raises OSError when it can't be opened.
        """
        kind, _, path = where.partition(":")
        if kind == "null":
            return os.open(os.devnull, os.O_WRONLY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        if kind == "file":
            return os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        if kind == "truncate":
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        if kind == "append":
            return os.open(path, flags, 0o644)
        if where.endswith("console") or kind == "tty":
            return os.open(self.folder.console, flags, 0o644)
        return os.open(self.journal(unit), flags, 0o644)

    def journal(self, unit: str) -> Path:
        """Return the file that holds what a unit wrote to its journal."""
        journal = self.folder.root / "var/log/journal" / f"{unit}.log"
        journal.parent.mkdir(parents=True, exist_ok=True)
        return journal
