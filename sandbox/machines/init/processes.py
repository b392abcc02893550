"""The processes of a machine: started, waited for, found and ended.

The init is a child subreaper (https://man7.org/linux/man-pages/man2/pr_set_child_subreaper.2const.html):
whatever makes itself a daemon below it becomes its own child, so that nothing gets away.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from spawn.clock import Clock, wait_event

_PR_SET_CHILD_SUBREAPER = 36
"""https://github.com/torvalds/linux/blob/master/include/uapi/linux/prctl.h"""
_SWEEP_AGAIN = timedelta(milliseconds=50)
"""What was forked while a sweep ran is met by the next one."""


class Process:
    """A process that the init started itself; `ended` gives its status as `Popen` does."""

    def __init__(self, popen: subprocess.Popen[bytes], ended: asyncio.Future[int]) -> None:
        self.popen = popen
        self.pid = popen.pid
        self.ended = ended


class Processes:
    """Everything that runs below this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._own: dict[int, Process] = {}
        self._changed = asyncio.Event()

    def adopt(self) -> None:
        """Become the parent of orphans, and hear of the end of every child."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: int
    ) -> Process:
        """Start a program in a session of its own. Raises OSError when it can't be executed."""
        popen = subprocess.Popen(  # noqa: S603  to run what it is told is an init's trade
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        process = Process(popen, asyncio.get_running_loop().create_future())
        self._own[popen.pid] = process
        return process

    async def end_all(self, *, grace: timedelta) -> None:
        """Ask everything to end, kill what has not after `grace`, return when nothing is left."""
        send(self.descendants(), signal.SIGTERM)
        limit = self._clock.monotonic() + grace.total_seconds()
        while not self._none_left():
            left = limit - self._clock.monotonic()
            if left <= 0:
                # A stopped process can't be asked, but it can be killed.
                send(self.descendants(), signal.SIGKILL)
            self._changed.clear()
            wait = timedelta(seconds=left) if left > 0 else _SWEEP_AGAIN
            await wait_event(self._changed, wait)

    def descendants(self) -> set[int]:
        """Return every process below this one."""
        return below({os.getpid()}, parents())

    def marked(self, name: str, value: str) -> set[int]:
        """Return those that have a variable in their environment, and all below them."""
        wanted = f"{name}={value}".encode()
        found = {pid for pid in self.descendants() if wanted in environment_of(pid)}
        return found | below(found, parents())

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self._note(pid, os.waitstatus_to_exitcode(status))
        self._changed.set()

    def _note(self, pid: int, code: int) -> None:
        process = self._own.pop(pid, None)
        if process is None:
            return
        # It was waited for here: Popen must not look for it again.
        process.popen.returncode = code
        if not process.ended.done():
            process.ended.set_result(code)

    def _none_left(self) -> bool:
        self._reap()
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return False


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def parents() -> dict[int, int]:
    """Return the parent of every process of this host."""
    found: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (entry / "stat").read_text(errors="replace")
            found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def below(roots: set[int], parent_of: Mapping[int, int]) -> set[int]:
    """Return the processes that descend from `roots`, without them."""
    children: dict[int, list[int]] = {}
    for pid, parent in parent_of.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    open_ends = list(roots)
    while open_ends:
        for pid in children.get(open_ends.pop(), []):
            if pid not in found:
                found.add(pid)
                open_ends.append(pid)
    return found - roots


def environment_of(pid: int) -> list[bytes]:
    """Return the variables that a process was started with; none when they can't be read."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
