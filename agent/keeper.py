"""Runs the job, and outlives the agent: its output goes to the spool, its life to the journal.

A program of its own, of one file: `keeper.py FOLDER`. In FOLDER `plan.json` says what to run.

The job writes to a pipe whose reader is this program, and this program to segments of the spool.
So `> /dev/stderr` in a job does not cut the spool off (it would a file's), segments can be removed
while the job holds its output open, and a full disk or spool never stops or fails the job: what
has no room is left out, and a line says so.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

SEGMENT = 4 * 1024 * 1024
CHUNK = 64 * 1024
KILL_AFTER = 10.0
"""Seconds between TERM and KILL of a job that is over its time."""

NOT_FOUND, NOT_EXECUTABLE = 127, 126
OVER_TIME = "over its --max-runtime"


class Spool:
    """Output in files named by the position of their first byte, together at most `most` bytes."""

    def __init__(self, folder: Path, most: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        starts = self._starts()
        self._oldest = starts[0] if starts else 0
        self._begin = starts[-1] if starts else 0
        self._file = self._open(self._begin)
        self.end = self._begin + os.fstat(self._file).st_size
        self._left_out = 0
        self._in_line = False

    def _starts(self) -> list[int]:
        return sorted(int(path.name) for path in self._folder.glob("[0-9]*"))

    def _open(self, begin: int) -> int:
        path = self._folder / f"{begin:016d}"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, data: bytes) -> None:
        """Append, or leave out and say so in its place once there is room."""
        if not self._has_room(len(data)):
            self._left_out += len(data)
            return
        self.note()
        self._append(data)

    def note(self) -> None:
        """Write down how much was left out, if anything was."""
        if self._left_out:
            count, self._left_out = self._left_out, 0
            begin = b"\n" if self._in_line else b""
            text = f"[spawn: {count} bytes of output are left out here: the spool was full]\n"
            self._append(begin + text.encode())

    def _has_room(self, size: int) -> bool:
        if self.end + size - self._oldest > self._most:
            self._oldest = (self._starts() or [self.end])[0]
        return self.end + size - self._oldest <= self._most

    def _append(self, data: bytes) -> None:
        self._in_line = not data.endswith(b"\n")
        while data:
            try:
                written = os.write(self._file, data)
            except OSError:
                self._left_out += len(data)
                return
            data = data[written:]
            self.end += written
            if self.end - self._begin >= SEGMENT:
                os.close(self._file)
                self._begin = self.end
                self._file = self._open(self._begin)


class Journal:
    """What has happened, one JSON object a line, each durable before the next step."""

    def __init__(self, path: Path) -> None:
        self.events: list[dict[str, Any]] = []
        if path.exists():
            lines = path.read_bytes().split(b"\n")
            self.events = [json.loads(line) for line in lines[:-1] if line]
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, event: str, **more: Any) -> None:
        """Append an event."""
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        entry = {"event": event, "at": at, **more}
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

    def until_ended(self, deadline: Optional[float]) -> tuple[int, str]:
        """Carry output until the process has ended; return its exit code, and why if we know."""
        reason, steps = "", [signal.SIGTERM, signal.SIGKILL]
        while self.child.poll() is None:
            now = time.monotonic()
            if deadline is not None and steps and now >= deadline:
                reason = OVER_TIME
                self.kill(steps.pop(0))
                deadline = now + KILL_AFTER
            waits = deadline if steps else None
            self._carry(None if waits is None else max(waits - now, 0))
        self.carry_rest()
        code = self.child.returncode
        if code < 0 and not reason:
            reason = f"ended by signal {-code}"
        return (code if code >= 0 else 128 - code), reason

    def _carry(self, timeout: Optional[float]) -> None:
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
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Close our end."""
        self._selector.close()
        os.close(self._reader)


def start(stage: dict[str, Any], output: int) -> subprocess.Popen[bytes]:
    """Start a stage's process as its user, in a session of its own."""
    switch: dict[str, Any] = {}
    if stage["uid"] != os.geteuid():
        switch = {"user": stage["uid"], "group": stage["gid"], "extra_groups": stage["groups"]}
    return subprocess.Popen(  # noqa: S603 - what the owner of the array wants run
        stage["argv"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=stage["env"],
        cwd=stage["cwd"],
        start_new_session=True,
        restore_signals=True,
        **switch,
    )


def started_at(pid: int) -> str:
    """Return when a process was started, in ticks since boot; empty when there is none."""
    try:
        # The name, in brackets, may hold anything; the 20th field behind it is the start
        # (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def end_left_over(group: Path) -> None:
    """End the process group of an attempt whose keeper is gone."""
    try:
        pid, started = group.read_text().split()
    except (OSError, ValueError):
        return
    if started_at(int(pid)) == started:
        os.killpg(int(pid), signal.SIGKILL)


class Keeper:
    """Carries a plan out, from wherever an earlier keeper has left it."""

    def __init__(self, folder: Path, wake: int) -> None:
        self._plan = json.loads((folder / "plan.json").read_bytes())
        self._spool = Spool(folder / "spool", self._plan["spool_bytes"])
        self._journal = Journal(folder / "journal")
        self._group = folder / "group"
        self._wake = wake
        self._last: Optional[Run] = None

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
            "done", exit_code=code, reason=reason, restarts=restarts, end=self._spool.end
        )
        if self._last is not None:
            self._last.until_closed()

    def _note_interrupted(self) -> None:
        events = self._journal.events
        if events and events[-1]["event"] == "started":
            end_left_over(self._group)
            stage, attempt = events[-1]["stage"], events[-1]["attempt"]
            reason = "interrupted: the machine went down"
            self._end(stage, attempt, 128 + signal.SIGTERM, reason)

    def _stage(self, stage: dict[str, Any]) -> tuple[int, str, int]:
        while True:
            ends = self._journal.ends(stage["name"])
            if ends:
                last, left = ends[-1], stage["retries"] + 1 - len(ends)
                is_final = last["reason"] == OVER_TIME or left <= 0
                if last["exit_code"] == 0 or is_final:
                    return last["exit_code"], last["reason"], len(ends) - 1
            self._attempt(stage, len(ends))

    def _attempt(self, stage: dict[str, Any], attempt: int) -> None:
        if self._last is not None:
            # What a failed attempt has left behind would meet its successor.
            self._last.kill(signal.SIGKILL)
            self._last.close()
            self._last = None
        stage["env"]["SPAWN_RESTART_COUNT"] = str(attempt)
        self._journal.add("started", stage=stage["name"], attempt=attempt)
        try:
            run = Run(stage, self._spool, self._wake)
        except (OSError, ValueError) as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            self._end(stage["name"], attempt, code, f"can't be started: {error}")
            return
        self._last = run
        self._group.write_text(f"{run.child.pid} {started_at(run.child.pid)}")
        code, reason = run.until_ended(self._deadline(stage))
        self._end(stage["name"], attempt, code, reason)

    def _end(self, stage: str, attempt: int, code: int, reason: str) -> None:
        self._journal.add("ended", stage=stage, attempt=attempt, exit_code=code, reason=reason)

    def _deadline(self, stage: dict[str, Any]) -> Optional[float]:
        if not stage["max_runtime"]:
            return None
        begun = next(
            e["at"]
            for e in self._journal.events
            if e["event"] == "started" and e["stage"] == stage["name"]
        )
        first = datetime.strptime(begun, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        passed = (datetime.now(timezone.utc) - first).total_seconds()
        return time.monotonic() + stage["max_runtime"] - passed


def main(folder: Path) -> None:
    """Carry out the plan in `folder`."""
    # Handled by doing nothing, not ignored: what is ignored stays so in the job.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Keeper(folder, reader).carry_out()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
