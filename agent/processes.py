"""Starting the job's processes, knowing them again, and ending what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any


def start(stage: dict[str, Any], output: int) -> subprocess.Popen[bytes]:
    """Start a stage's process as its user, in a session of its own."""
    child: Any = subprocess.Popen(  # noqa: S603 - what the owner of the array wants run
        stage["argv"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=stage["env"],
        cwd=stage["cwd"],
        start_new_session=True,
        restore_signals=True,
        **as_user(stage["uid"], stage["gid"], stage["groups"]),
    )
    return child


def as_user(uid: int, gid: int, groups: Iterable[int]) -> dict[str, Any]:
    """Return what lets a process be that user's; nothing for our own, who may not switch."""
    if uid == os.geteuid():
        return {}
    return {"user": uid, "group": gid, "extra_groups": list(groups)}


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a whole process group, if there still is one."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def started_at(pid: int) -> str:
    """Return when a running process was started, in ticks since boot; empty when there is none."""
    try:
        # The name, in brackets, may hold anything; then come the state and, 19 fields on, the
        # start (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def end_left_over(group: Path, number: int = signal.SIGKILL) -> None:
    """End the process group of an attempt, whose keeper may be gone; if need be by a signal."""
    try:
        pid, started = group.read_text().split()
    except (OSError, ValueError):
        return
    if started_at(int(pid)) == started:
        kill_group(int(pid), number)
