"""Other processes: known by pid *and* start, because a pid is given again to somebody else."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec

from spawn.clock import Clock, SystemClock

_STATE, _START = 0, 19
"""Positions behind the name in /proc/PID/stat
(https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 3 and 22)."""

_POLL = timedelta(milliseconds=100)


class ProcessRef(msgspec.Struct, frozen=True):
    """One process and no later one of the same pid: `started` differs after pid reuse."""

    pid: int
    started: str


class _Seen(msgspec.Struct, frozen=True):
    started: str
    zombie: bool


def refer(pid: int) -> ProcessRef | None:
    """Return the reference of a process, reaped or not; None when there is none."""
    seen = _look(pid)
    return None if seen is None else ProcessRef(pid=pid, started=seen.started)


def is_alive(ref: ProcessRef) -> bool:
    """Say whether this very process still runs; one that was only not reaped yet does not."""
    return _look(ref.pid) == _Seen(started=ref.started, zombie=False)


def send(ref: ProcessRef, number: signal.Signals) -> None:
    """Send a signal to this process, and to no later one of the same pid."""
    if is_alive(ref):
        with suppress(ProcessLookupError):
            os.kill(ref.pid, number)


def end(refs: Iterable[ProcessRef], *, grace: timedelta) -> tuple[ProcessRef, ...]:
    """End processes and wait until they are gone: asked first, killed after `grace`.

    Blocks. Returns those that lived when it was called.
    """
    living = tuple(ref for ref in refs if is_alive(ref))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for ref in living:
            send(ref, number)
        if wait_all_gone(living, timeout=grace):
            break
    return living


def wait_all_gone(refs: Iterable[ProcessRef], *, timeout: timedelta) -> bool:
    """Block until all are gone, for `timeout` at most; return whether they are.

    Children of ours are left to be reaped by whoever started them.
    """
    clock = SystemClock()
    deadline = clock.monotonic() + timeout.total_seconds()
    known = tuple(refs)
    for ref in known:
        left = timedelta(seconds=max(0.0, deadline - clock.monotonic()))
        with _opened(ref.pid) as handle:
            # Opened by pid: it may be the handle of a later process.
            if is_alive(ref):
                _block(ref, handle, left)
    return not any(map(is_alive, known))


def _block(ref: ProcessRef, handle: int | None, timeout: timedelta) -> None:
    if handle is not None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(timeout.total_seconds() * 1000)
        return
    import psutil  # noqa: PLC0415 - costs 20 ms that most commands need not pay

    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        psutil.Process(ref.pid).wait(timeout.total_seconds())


async def wait_gone(ref: ProcessRef, clock: Clock) -> None:
    """Wait until this process has ended; a child of ours is then ready to be reaped."""
    with _opened(ref.pid) as handle:
        if handle is None:
            while is_alive(ref):
                await clock.sleep(_POLL)
            return
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(handle, gone.set)
        try:
            if is_alive(ref):
                await gone.wait()
        finally:
            loop.remove_reader(handle)


@contextmanager
def _opened(pid: int) -> Generator[int | None]:
    """Open a pidfd, readable from the process' end on; None where there is none to be had."""
    try:
        handle = os.pidfd_open(pid) if sys.platform == "linux" else None
    except OSError:
        handle = None
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _look(pid: int) -> _Seen | None:
    if sys.platform == "linux":
        return _look_on_linux(pid)
    import psutil  # noqa: PLC0415 - costs 20 ms that most commands need not pay

    try:
        process = psutil.Process(pid)
        zombie = process.status() == psutil.STATUS_ZOMBIE
        return _Seen(started=f"{process.create_time():.2f}", zombie=zombie)
    except psutil.NoSuchProcess:
        return None


def _look_on_linux(pid: int) -> _Seen | None:
    """Ticks since boot and the boot's id: unlike wall time they stand when the clock is set."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return _Seen(started=f"{boot}:{fields[_START]}", zombie=fields[_STATE] in "ZX")
