"""A machine's root folder, its shims, and the real agent in it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.accounts import own_account
from agent.processes import started_at
from agent.spool import SpoolReader
from scripts.build_agent import ROOT, build
from spawn.clock import SystemClock
from tests.agent.imds import Imds, serving_imds
from tests.agent.launcher import ARRAY, INSTANCE

_CLOCK = SystemClock()
_POLL = timedelta(milliseconds=20)
WAIT = "until [ -e ~/go ]; do sleep 0.05; done"
"""In a job: wait until the test says `go`."""

_SHIM = '#!/bin/sh\necho "${0##*/} $*" >>"$SPAWN_ROOT/called"\n'


def oldest_python() -> str:
    """Return Python 3.9, which machines have, where it is installed; this one otherwise."""
    versions = sorted((Path.home() / ".pyenv/versions").glob("3.9.*/bin/python3.9"))
    return next((str(each) for each in versions), sys.executable)


@dataclass
class Machine:
    root: Path
    imds: Imds
    bus_url: str
    pyz: Path
    process: asyncio.subprocess.Process | None = None

    def write_shim(self, name: str, script: str) -> None:
        """Put a program first on the machine's PATH."""
        path = self.root / "shims" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def environment(self) -> dict[str, str]:
        shims = str(self.root / "shims")
        return {
            "PATH": f"{shims}:{os.defpath}",
            "SPAWN_ROOT": str(self.root),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.imds.url,
            "SPAWN_DEPLOYMENT": "d-1",
            "SPAWN_ARRAY_ID": ARRAY,
            "SPAWN_RANKS": "0",
            "SPAWN_GENERATION": "0",
            "SPAWN_LEASE": "2036-01-01T00:00:00Z",
            "SPAWN_LEASE_ACTION": "terminate",
            "SPAWN_TTL_CAP": "3600",
            "SPAWN_BUS_URL": self.bus_url,
            "SPAWN_BUS_FINGERPRINT": "",
        }

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            oldest_python(), str(self.pyz), env=self.environment(), start_new_session=True
        )

    async def kill(self) -> None:
        """End the agent as a crash does."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(20):
            return await self.process.wait()

    @contextmanager
    def held(self) -> Generator[None]:
        """Let the agent do nothing for a while."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def interrupt(self) -> None:
        """Ask the agent to end, as a machine does that goes down."""
        assert self.process is not None
        self.process.terminate()

    def calls(self) -> list[str]:
        """Return what was asked of the machine's init."""
        called = self.root / "called"
        return called.read_text().splitlines() if called.exists() else []

    async def until_called(self, line: str) -> None:
        await self.until(lambda: line in self.calls())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(60):
            while not holds():
                await _CLOCK.sleep(_POLL)

    def go(self) -> None:
        """Let a job that waits by `WAIT` go on."""
        Path(own_account(self.root).home, "go").touch()

    def journal(self) -> bytes:
        """Return what the keeper of the job has written down."""
        file = self.root / "var/lib/spawn/job/journal"
        return file.read_bytes() if file.exists() else b""

    def printed(self) -> bytes:
        """Return what the job has written."""
        return SpoolReader(self.root / "var/lib/spawn/job/spool").read(0, 1 << 20)

    def kill_keeper(self) -> None:
        file = self.root / "var/lib/spawn/job/keeper"
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)

    def owner_of(self, name: str) -> int:
        return (self.root / name).stat().st_uid

    def end_job(self) -> None:
        """End what the agent has left running, by the ids that it has written down."""
        folder = self.root / "var/lib/spawn/job"
        for name in ("keeper", "group"):
            words = text_of(folder / name).split()
            pid = int(words[0]) if words else 0
            if started_at(pid) and str(self.root) in environment_of(pid):
                os.killpg(pid, signal.SIGKILL)


def text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text(errors="replace")


def lay_out(root: Path) -> None:
    shims = root / "shims"
    shims.mkdir(parents=True)
    for name in ("shutdown", "poweroff", "systemctl"):
        (shims / name).write_text(_SHIM)
        (shims / name).chmod(0o755)
    boot_id = root / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_text("boot-1\n")
    programs = root / "usr/local/lib/spawn"
    programs.mkdir(parents=True)
    shutil.copy(ROOT / "agent/boot/deadman", programs / "deadman")
    (programs / "deadman").chmod(0o755)


@asynccontextmanager
async def a_machine(folder: Path, bus_url: str) -> AsyncGenerator[Machine]:
    """A machine whose agent is not yet started."""
    root = folder / "machine"
    lay_out(root)
    pyz = build(folder / "agent.pyz")
    texts = {
        "instance-id": INSTANCE,
        "local-ipv4": "127.0.0.1",
        "placement/region": "eu-central-1",
    }
    async with serving_imds(texts) as imds:
        machine = Machine(root, imds, bus_url, pyz)
        try:
            yield machine
        finally:
            if machine.process is not None:
                await machine.stop()
            machine.end_job()
