"""Files that only their owner may read, and that are whole at every instant."""

import os
import stat
import tempfile
from pathlib import Path

from spawn.errors import Cause, Rejected

_PRIVATE_FOLDER = 0o700
_OTHERS = 0o077


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by a 0600 file in one step; a reader sees the old content or the new."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_private(path: Path, *, variable: str) -> str:
    """Return the text of a file that only its owner may read; blocks for one small read.

    Raises `Rejected` naming `variable` when it can't be read, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise _closed(path, f"can't be read ({type(error).__name__})", variable) from error
    if mode & _OTHERS:
        raise _closed(path, "may be read by others; chmod 600 it", variable)
    return text


def make_private_folder(path: Path, *, ours: str, variable: str, left: str = "") -> None:
    """Make `path` a 0700 folder of this user.

    A folder that others may enter is closed when it is empty, holds the entry `ours`, or nothing
    but the entry `left`: it may be somebody's home otherwise. Raises `Rejected` naming the folder
    and the `variable` by which another can be named.
    """
    try:
        path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, f"cannot be made ({error.strerror})", variable) from error
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(path, "is not a folder", variable)
    if status.st_uid != os.getuid():
        raise _unusable(path, f"belongs to user {status.st_uid}", variable)
    if status.st_mode & _OTHERS:
        entries = {entry.name for entry in path.iterdir()}
        if entries - {left} and ours not in entries:
            raise _unusable(path, "holds other files, and others may enter it", variable)
        path.chmod(_PRIVATE_FOLDER)


def _closed(path: Path, why: str, variable: str) -> Rejected:
    return Rejected(f"{variable}={path} {why}", field=variable, cause=Cause.PERMISSION)


def _unusable(path: Path, why: str, variable: str) -> Rejected:
    return Rejected(f"{path} {why}: name another folder by {variable}", field=variable)
