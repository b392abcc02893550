"""What is remembered outside of the state folder: who supervises it, and what runs.

The state folder may be deleted under a running control plane. The copy of its state here, in
the temporary folder and keyed by the folder's path, lets the next start find the laptop cloud
again and end what is left over. The lock beside it makes the supervisor the only one.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from spawn.errors import Conflict
from spawn.runtime.files import make_private_folder, write_private
from spawn.runtime.home import ControlState, Home, read_state


class Footprint:
    """The record and the lock that belong to one state folder."""

    def __init__(self, home: Home) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"spawn-{os.getuid()}"
        key = hashlib.sha256(str(home.root).encode()).hexdigest()[:16]
        self._record = self._folder / f"{key}.json"
        self._lock = self._folder / f"{key}.lock"

    def read(self) -> ControlState | None:
        """Return the state that was written last; None when there is none."""
        if not self._folder.exists():
            return None
        make_private_folder(self._folder, ours=self._record.name, variable="TMPDIR")
        return read_state(self._record)

    def write(self, state: ControlState) -> None:
        """Remember `state`."""
        make_private_folder(self._folder, ours=self._lock.name, variable="TMPDIR")
        write_private(self._record, msgspec.json.encode(state))

    def forget(self) -> None:
        """Remove the record."""
        self._record.unlink(missing_ok=True)

    def keep_fresh(self) -> None:
        """Mark record and lock as used: cleaners of temporary folders remove old files."""
        for path in (self._record, self._lock):
            if path.exists():
                os.utime(path)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the lock for the length of the block, or until this process dies.

        Its file goes when no record is left that it protects. Raises `Conflict` when another
        process holds it.
        """
        with self._lock_file():
            try:
                yield
            finally:
                if not self._record.exists():
                    self._lock.unlink(missing_ok=True)

    def _lock_file(self) -> IO[bytes]:
        make_private_folder(self._folder, ours=self._lock.name, variable="TMPDIR")
        while True:
            file = self._lock.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                raise Conflict("another supervisor runs for this state folder") from error
            if self._is_current(file):
                return file
            file.close()

    def _is_current(self, file: IO[bytes]) -> bool:
        """Say whether the locked file still has its name; whoever held it may have removed it."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._lock.stat())
        except FileNotFoundError:
            return False
