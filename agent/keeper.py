"""Runs the job, and outlives the agent: its output goes to the spool, its life to the journal.

A program of its own: `keeper.pyz FOLDER`. In FOLDER `plan.json` says what to run.

The job writes to a pipe whose reader is this program, and this program to segments of the spool.
So `> /dev/stderr` in a job does not cut the spool off (it would a file's), segments can be removed
while the job holds its output open, and a full disk or spool never stops or fails the job: what
has no room is left out, and a line says so.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any

from agent.processes import end_left_over, kill_group, start, started_at
from agent.spooling import Spool

CHUNK = 64 * 1024
KILL_AFTER = 10.0
"""Seconds between TERM and KILL of what is over its time, unless its stage says otherwise."""

STOP = "stop"
"""A file that says: begin nothing more, for the machine is going away."""

NOT_FOUND, NOT_EXECUTABLE = 127, 126
OVER_TIME = "over its --max-runtime"


class Journal:
    """What has happened, one JSON object a line, each durable before the next step."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        whole, newline, _ = path.read_bytes().rpartition(b"\n")
        # A line without its end was cut off by a crash.
        os.ftruncate(self._file, len(whole + newline))
        self.events = [json.loads(line) for line in whole.splitlines()]

    def add(self, event: str, **more: Any) -> None:
        """Append an event."""
        entry = {"event": event, "time": time.time(), **more}
        self.events.append(entry)
        os.write(self._file, json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        os.fsync(self._file)

    def ends(self, stage: str) -> list[dict[str, Any]]:
        """Return the ends of a stage's attempts."""
        return [e for e in self.events if e["event"] == "ended" and e["stage"] == stage]


class Run:
    """One attempt of one stage: a process group, and the pipe that it writes to."""

    def __init__(self, stage: dict[str, Any], spool: Spool, wake: int) -> None:
        self._spool = spool
        self._over_time = over_time(stage)
        self._kill_after = stage.get("kill_after", KILL_AFTER)
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        # It may open `/dev/stdout` by name, as its own user.
        os.fchown(writer, stage["uid"], stage["gid"])
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._wake = wake
        self._selector.register(wake, selectors.EVENT_READ)
        self.is_open = True
        try:
            self.child = start(stage, writer)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(writer)

    def until_ended(self, deadline: float | None) -> tuple[int, str]:
        """Carry output until the process has ended; return its exit code, and why if we know."""
        reason, steps = "", [signal.SIGTERM, signal.SIGKILL]
        while self.child.poll() is None:
            now = time.monotonic()
            if deadline is not None and steps and now >= deadline:
                reason = self._over_time
                self.kill(steps.pop(0))
                deadline = now + self._kill_after
            waits = deadline if steps else None
            self._carry(None if waits is None else max(waits - now, 0))
        self.carry_rest()
        code = self.child.returncode
        if code < 0 and not reason:
            reason = f"ended by signal {-code}"
        return (code if code >= 0 else 128 - code), reason

    def _carry(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            if key.fd == self._wake:
                os.read(self._wake, 512)
            else:
                self._read()

    def _read(self) -> bool:
        try:
            data = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._spool.write(data)
        elif self.is_open:
            self.is_open = False
            self._selector.unregister(self._reader)
        return bool(data)

    def carry_rest(self) -> None:
        """Carry what is in the pipe now."""
        while self.is_open and self._read():
            pass

    def until_closed(self) -> None:
        """Carry what processes that the job has left behind write, until the last has ended."""
        while self.is_open:
            self._carry(None)

    def kill(self, number: int) -> None:
        """Send a signal to the whole group, if there still is one."""
        kill_group(self.child.pid, number)

    def close(self) -> None:
        """Close our end."""
        self._selector.close()
        os.close(self._reader)


class Keeper:
    """Carries a plan out, from wherever an earlier keeper has left it."""

    def __init__(self, folder: Path, wake: int) -> None:
        self._plan = json.loads((folder / "plan.json").read_bytes())
        self._spool = Spool(folder / "spool", self._plan["spool_bytes"])
        self._journal = Journal(folder / "journal")
        self._group = folder / "group"
        self._stop = folder / STOP
        self._wake = wake
        self._last: Run | None = None

    def carry_out(self) -> None:
        """Run the stages in order until one fails; then stay for what is still written."""
        self._note_interrupted()
        code, reason, restarts = 0, "", 0
        for stage in self._plan["stages"]:
            code, reason, restarts = self._stage(stage)
            if code:
                reason = f"{stage['label']}: {reason or f'exit code {code}'}"
                break
        self._spool.note()
        self._journal.add(
            "done",
            exit_code=code,
            reason=reason,
            restarts=restarts,
            end=self._spool.end,
            interrupted=self._stop.exists(),
        )
        if self._last is not None:
            self._last.until_closed()

    def _note_interrupted(self) -> None:
        events = self._journal.events
        if events and events[-1]["event"] == "started":
            end_left_over(self._group)
            stage, attempt = events[-1]["stage"], events[-1]["attempt"]
            reason = "interrupted: the machine went down, or the keeper of its job"
            self._end(stage, attempt, 128 + signal.SIGTERM, reason)

    def _stage(self, stage: dict[str, Any]) -> tuple[int, str, int]:
        while True:
            ends = self._journal.ends(stage["name"])
            if ends:
                last, left = ends[-1], stage["retries"] + 1 - len(ends)
                is_final = last["reason"] == over_time(stage) or left <= 0
                if last["exit_code"] == 0 or is_final or self._stop.exists():
                    return last["exit_code"], last["reason"], len(ends) - 1
            elif self._stop.exists():
                return 128 + signal.SIGTERM, "not begun: the machine is going away", 0
            self._attempt(stage, len(ends))

    def _attempt(self, stage: dict[str, Any], attempt: int) -> None:
        if self._last is not None:
            # What a failed attempt has left behind would meet its successor.
            self._last.kill(signal.SIGKILL)
            self._last.close()
            self._last = None
        # Earlier machines of the rank count: what a job saved, it goes on with here as there.
        stage["env"]["SPAWN_RESTART_COUNT"] = str(stage.get("earlier", 0) + attempt)
        self._journal.add("started", stage=stage["name"], attempt=attempt)
        try:
            run = Run(stage, self._spool, self._wake)
        except (OSError, ValueError) as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            self._end(stage["name"], attempt, code, f"can't be started: {why_not(error)}")
            return
        self._last = run
        self._group.write_text(f"{run.child.pid} {started_at(run.child.pid)}")
        code, reason = run.until_ended(self._deadline(stage))
        self._end(stage["name"], attempt, code, reason)

    def _end(self, stage: str, attempt: int, code: int, reason: str) -> None:
        self._journal.add("ended", stage=stage, attempt=attempt, exit_code=code, reason=reason)

    def _deadline(self, stage: dict[str, Any]) -> float | None:
        if not stage["max_runtime"]:
            return None
        starts = (e for e in self._journal.events if e["event"] == "started")
        begun = next(e["time"] for e in starts if e["stage"] == stage["name"])
        return time.monotonic() + stage["max_runtime"] - (time.time() - begun)


def over_time(stage: dict[str, Any]) -> str:
    """Say why a stage ends that has taken too long."""
    text: str = stage.get("over_time", OVER_TIME)
    return text


def why_not(error: OSError | ValueError) -> str:
    """Say why a program can't be started: one that is there and is not found lacks another."""
    name = getattr(error, "filename", None)
    if isinstance(error, FileNotFoundError) and name and os.path.exists(name):  # noqa: PTH110 - of text or bytes
        return "its #! line names a program that is not on this machine"
    return str(error)


def _wake_only(_number: int, _frame: Any) -> None:
    """Let the wake-up pipe say that there was a signal."""


def main() -> None:
    """Carry out the plan in the folder that the one argument names."""
    # Handled by doing nothing, not ignored: what is ignored stays so in the job.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _wake_only)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    folder = Path(sys.argv[1])
    if is_first(folder):
        Keeper(folder, reader).carry_out()


def is_first(folder: Path) -> bool:
    """Take the folder for this process, as long as it lives; say whether it was free."""
    lock = os.open(folder / "keeper", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return True
