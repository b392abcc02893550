"""When a process counts as ready: it says so itself, and answers where it says that it is."""

from pathlib import Path
from typing import TypeVar

import msgspec

from spawn.runtime.home import Home, SandboxFacts
from spawn.runtime.supervisor.probe import answers

S = TypeVar("S", bound=msgspec.Struct)


class RunFile(msgspec.Struct, frozen=True):
    """What a service process writes about itself."""

    name: str
    pid: int
    ready_url: str
    metrics_url: str


def read_run_file(path: Path) -> RunFile | None:
    """Return what a service process said about itself; None while it has not."""
    return _read(path, RunFile)


def read_sandbox_file(home: Home) -> SandboxFacts | None:
    """Return what the laptop cloud said about itself; None while it has not."""
    return _read(home.sandbox_file, SandboxFacts)


async def bus_is_ready(monitor_url: str) -> bool:
    """Say whether nats-server takes connections and JetStream is up."""
    return await answers(f"{monitor_url}/healthz?js-enabled-only=true")


async def host_is_ready(path: Path, *, pid: int) -> bool:
    """Say whether the service process `pid` has all its services open."""
    said = read_run_file(path)
    return said is not None and said.pid == pid and await answers(said.ready_url)


async def cloud_is_ready(facts: SandboxFacts) -> bool:
    """Say whether the laptop cloud answers."""
    return await answers(f"{facts.endpoint}/healthz")


def _read(path: Path, kind: type[S]) -> S | None:
    """Decode a file that is written in one step; what doesn't decode was not written for us."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
