"""Starting and ending one process."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from spawn.clock import Clock
from spawn.errors import Transient
from spawn.runtime.processes import ProcessRef, refer, send, wait_gone
from spawn.runtime.supervisor import tether
from spawn.runtime.supervisor.specs import Spec

_LARGEST_LOG = 10 * 1024 * 1024
"""Bytes; a larger log is put aside when its process starts."""

_TAIL_BYTES = 4096


class Running:
    """A process that we started, or took over from a supervisor before us."""

    def __init__(self, ref: ProcessRef, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.ref = ref
        self._popen = popen

    async def ended(self, clock: Clock) -> str:
        """Wait until it has ended; return how: `exit 1`, `SIGKILL`, or `gone`."""
        await wait_gone(self.ref, clock)
        return "gone" if self._popen is None else describe_exit(self._popen.wait())


async def end(running: Running, clock: Clock, *, grace: timedelta) -> str:
    """Ask it to end, kill it after `grace`, wait until it is gone; return how it ended."""
    send(running.ref, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace.total_seconds()):
            return await running.ended(clock)
    except TimeoutError:
        send(running.ref, signal.SIGKILL)
        return await running.ended(clock)


def start(spec: Spec, *, passing: tuple[int, ...] = ()) -> Running:
    """Start a process in a session of its own, so that Ctrl-C reaches only what waits for it.

    `passing`: file descriptors that it inherits.
    Raises `Transient` when the program can't be executed.
    """
    _put_aside(spec.log)
    try:
        with spec.log.open("ab") as log:
            popen = subprocess.Popen(  # noqa: S603 - the argv is our own
                tethered(spec.argv) if spec.tethered else spec.argv,
                env=spec.env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=passing,
            )
    except OSError as error:
        raise Transient(f"{spec.name} can't be started: {error}", code="StartFailed") from error
    ref = refer(popen.pid)
    assert ref is not None, "a child that was not waited for has an entry"  # noqa: S101
    return Running(ref, popen)


def tethered(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the argv that runs `argv` and ends it when this process dies."""
    program = (sys.executable, "-I", "-S", tether.__file__)
    return (*program, str(os.getpid()), *argv)


def describe_exit(code: int) -> str:
    """Say how a process ended, from its return code."""
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def tail(log: Path) -> str:
    """Return the last lines of a log, empty when there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-15:])


def _put_aside(log: Path) -> None:
    if log.is_file() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
