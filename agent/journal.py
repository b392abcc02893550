"""What the keeper has written down, and starting one where there is none."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from agent import places
from agent.keeper import STOP
from agent.plan import Plan
from agent.processes import end_left_over


class JobFolder:
    """The folder of the one job that a machine runs in its life."""

    def __init__(self, path: Path, program: Path) -> None:
        self.path = path
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Put the keeper in its place."""
        install_keeper(self._program)

    def events(self) -> list[dict[str, Any]]:
        """Return the journal's whole lines."""
        journal = self.path / "journal"
        if not journal.exists():
            return []
        return [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1] if line]

    def seen_before(self, boot_id: str) -> int:
        """Return how many events earlier boots have left: the first look of a boot settles it."""
        file = self.path / "boot"
        known = places.read_json(file) or ["", 0]
        if known[0] != boot_id:
            known = [boot_id, len(self.events())]
            places.write_json(file, known)
        return int(known[1])

    def result(self) -> dict[str, Any] | None:
        """Return the last event when the job is done."""
        events = self.events()
        return events[-1] if events and events[-1]["event"] == "done" else None

    def prepare(self, plan: Plan, owner: tuple[int, int]) -> None:
        """Write the plan, once: what a machine runs does not change later."""
        if self.is_prepared:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        for name, text in plan.files.items():
            file = self.path / name
            places.write(file, text.encode(), places.PRIVATE_PROGRAM)
            if name != "script" and owner[0] != os.geteuid():
                os.chown(file, *owner)
        places.write_json(self.path / "plan.json", plan.keeper)

    @property
    def is_prepared(self) -> bool:
        """Whether there is a plan."""
        return (self.path / "plan.json").exists()

    def is_kept(self) -> bool:
        """Say whether a keeper is at work, ours or that of an agent before us."""
        if self._child is not None and self._child.poll() is None:
            return True
        lock = os.open(self.path / "keeper", os.O_RDWR | os.O_CREAT, places.PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def stop(self) -> None:
        """Let nothing more begin; what runs goes on."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / STOP).touch()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is to begin."""
        return (self.path / STOP).exists()

    def signal(self, number: int) -> None:
        """Send a signal to what runs now, if anything does."""
        end_left_over(self.path / "group", number)

    def keep(self, environment: dict[str, str]) -> None:
        """Start a keeper in a session of its own; it ends at once if there is another."""
        log = os.open(
            self.path / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, places.PRIVATE
        )
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", str(self._program), str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                cwd="/",
            )
        finally:
            os.close(log)

    def group(self) -> int | None:
        """Return the session of the job's processes; None when there never was one."""
        pid = places.read_text(self.path / "group").partition(" ")[0]
        return int(pid) if pid else None


_KEEPER = ("__init__", "keeper", "processes", "spooling")
_MAIN = "from agent.keeper import main\n\nmain()\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def install_keeper(program: Path) -> None:
    """Put the keeper beside the agent: it runs on when the agent's file is replaced."""
    loader: Any = __loader__  # noqa: F821 - the import system's
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr(zipfile.ZipInfo("__main__.py", _LONG_AGO), _MAIN)
        for name in _KEEPER:
            source = loader.get_data(str(Path(__file__).with_name(f"{name}.py")))
            entries.writestr(zipfile.ZipInfo(f"agent/{name}.py", _LONG_AGO), source)
    if not program.exists() or program.read_bytes() != archive.getvalue():
        places.write(program, archive.getvalue(), places.PUBLIC)
