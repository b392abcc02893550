"""Processes of machines whose init is gone: found by what they carry, and killed.

An init takes everything with it when it ends; this is for one that was killed itself.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

_TRIES = 100


def kill_below(folder: Path) -> int:
    """Kill every process whose SPAWN_ROOT or current folder lies in `folder`; return how many.

    What is forked meanwhile is met by the next look; it ends when a look finds nothing.
    """
    killed: set[int] = set()
    for _ in range(_TRIES):
        found = {pid for pid in _pids() if pid != os.getpid() and _belongs(pid, folder)}
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
    return len(killed)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _belongs(pid: int, folder: Path) -> bool:
    entry = Path(f"/proc/{pid}")
    try:
        variables = (entry / "environ").read_bytes().split(b"\0")
        inside = (entry / "cwd").readlink().is_relative_to(folder)
    except OSError:
        # Gone, a zombie, or another user's.
        return False
    return inside or any(one.startswith(f"SPAWN_ROOT={folder}/".encode()) for one in variables)
