"""Where the things of one machine stand, and what its init is told."""

import os
from pathlib import Path
from pwd import getpwuid

import msgspec

ENDED, POWERED_OFF, REBOOTING = 0, 3, 4
"""Exit codes of an init: as told, by the machine's own will, to be started again."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an init needs to know of its machine; `machine.json`, readable by the owner alone.

    `boot` counts from 1; `address` is its private IP; `hosts` is the file that it is to see as
    `/etc/hosts`; `fails` lets the user-data fail without running it.
    """

    instance_id: str
    boot: int
    environment: dict[str, str]
    address: str = ""
    hosts: str = ""
    user_data: bytes = b""
    fails: bool = False


class Folder(msgspec.Struct, frozen=True):
    """The folder of one machine."""

    path: Path

    @property
    def root(self) -> Path:
        """What the machine takes for `/`: its SPAWN_ROOT."""
        return self.path / "root"

    @property
    def shims(self) -> Path:
        """The programs that stand first on the machine's PATH."""
        return self.path / "bin"

    @property
    def plan(self) -> Path:
        """A `Plan` as JSON."""
        return self.path / "machine.json"

    @property
    def console(self) -> Path:
        """What the machine wrote to its serial console, over all its boots."""
        return self.path / "console.log"

    @property
    def log(self) -> Path:
        """What the init itself has to say when it breaks."""
        return self.path / "init.log"

    @property
    def enter(self) -> Path:
        """A program that runs a shell, or its arguments, inside the machine."""
        return self.path / "enter"

    @property
    def home(self) -> Path:
        """The home of the user whose the machine's processes are."""
        return self.root / Path(getpwuid(os.getuid()).pw_dir).relative_to("/")

    def read_plan(self) -> Plan:
        """Return what the sandbox wrote. Raises OSError or msgspec.DecodeError."""
        return msgspec.json.decode(self.plan.read_bytes(), type=Plan)


BOOTED = "SPAWN_BOOTED_FD"
"""Variable with the pipe that the init closes once user-data has run."""

SOCKET = "init.sock"
"""Name of the socket in the folder; used relative to it, for paths of sockets are short."""
