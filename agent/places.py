"""Where everything of the agent lies below the machine's root."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRIVATE = 0o600
PUBLIC = 0o644
PRIVATE_PROGRAM = 0o700


@dataclass(frozen=True)
class Places:
    """The folders and files that the agent owns, all of them below `root`."""

    root: Path

    @property
    def etc(self) -> Path:
        """Folder of what the job and people read."""
        return self.root / "etc/spawn"

    @property
    def peers_file(self) -> Path:
        """The peers, once complete: its existence is the barrier."""
        return self.etc / "job-array-peers.json"

    @property
    def hostfile(self) -> Path:
        """The peers as MPI takes them."""
        return self.etc / "hostfile"

    @property
    def profile(self) -> Path:
        """What login shells learn of the array."""
        return self.root / "etc/profile.d/job-array.sh"

    @property
    def armed(self) -> Path:
        """The lease that the dead-man switch has, written by itself once it is armed."""
        return self.etc / "armed"

    @property
    def meant(self) -> Path:
        """The lease that was armed, and the one that was meant, where the clock is wrong."""
        return self.etc / "meant"

    @property
    def programs(self) -> Path:
        """Folder of the dead-man switch, the agent and the keeper of the job."""
        return self.root / "usr/local/lib/spawn"

    @property
    def state(self) -> Path:
        """Folder of what outlives a reboot."""
        return self.root / "var/lib/spawn"

    @property
    def run(self) -> Path:
        """Folder of what a reboot empties."""
        return self.root / "run/spawn"

    @property
    def job(self) -> Path:
        """Folder of the job: plan, journal, spool."""
        return self.state / "job"

    @property
    def spool(self) -> Path:
        """Folder of the job's output, in segments named by their first byte's position."""
        return self.job / "spool"

    @property
    def checkpoint(self) -> Path:
        """Folder for what a checkpoint script keeps on the machine."""
        return self.state / "checkpoint"

    @property
    def checkpoints(self) -> Path:
        """Folder of the script's runs, one folder each."""
        return self.state / "checkpoints"

    @property
    def script(self) -> Path:
        """The checkpoint script."""
        return self.state / "checkpoint.script"

    @property
    def noticed(self) -> Path:
        """What was noticed of this machine, kept over restarts of the agent."""
        return self.state / "noticed.json"

    @property
    def notices_file(self) -> Path:
        """What is known of members that go away."""
        return self.etc / "notices.json"

    @property
    def outbox(self) -> Path:
        """Folder of the reports that nobody has acknowledged yet."""
        return self.state / "outbox"


def write(path: Path, data: bytes, mode: int) -> None:
    """Replace a file at one instant, and durably: a reader sees the old bytes or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(file, mode)
        with os.fdopen(file, "wb", closefd=False) as stream:
            stream.write(data)
        os.fsync(file)
    finally:
        os.close(file)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: Path, value: Any, mode: int = PRIVATE) -> None:
    """Write a value as JSON by `write`."""
    write(path, json.dumps(value, separators=(",", ":")).encode(), mode)


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; None when there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def read_text(path: Path) -> str:
    """Return a small file's text without its last newline; empty when it can't be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
