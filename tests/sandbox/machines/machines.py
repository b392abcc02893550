"""What tests do with real machines: launch, run commands inside, read the console, wait."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from spawn.clock import SystemClock
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, run, until

_WITHIN = 60.0
_CLOCK = SystemClock()


def eventually(holds: Callable[[], Any], what: Callable[[], object] = lambda: "") -> Any:
    """Look until something holds, without a pause: each look takes milliseconds."""
    limit = _CLOCK.monotonic() + _WITHIN
    while not (found := holds()):
        assert _CLOCK.monotonic() < limit, what()
    return found


class Machine:
    """One running machine."""

    def __init__(self, sandbox: RunningSandbox, described: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.id: str = described["InstanceId"]
        self.ip: str = described["PrivateIpAddress"]
        self.folder: Path = sandbox.state / "machines" / self.id

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def state(self) -> str:
        return self.describe()["State"]["Name"]

    def describe(self) -> dict[str, Any]:
        (found,) = described(self.sandbox.client("ec2"), InstanceIds=[self.id])
        return found

    def console(self) -> str:
        output = self.sandbox.client("ec2").get_console_output(InstanceId=self.id)
        return output.get("Output", "")

    def says(self, text: str, times: int = 1) -> None:
        """Wait until the console has a text so many times."""
        eventually(lambda: self.console().count(text) >= times, self.console)

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command inside, as `enter` does, and return what it prints."""
        done = subprocess.run(
            [self.folder / "enter", *words], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout.strip()

    def shell(self, script: str) -> str:
        return self.run("bash", "-c", script)

    def wrote(self, name: str) -> str:
        """Return the text of a file below its root, empty while there is none."""
        path = self.root / name
        return path.read_text() if path.exists() else ""

    def write_unit(self, name: str, text: str) -> None:
        (self.root / "etc/systemd/system" / name).write_text(
            text.replace("@ROOT@", str(self.root))
        )

    def processes(self) -> list[psutil.Process]:
        """Return every process of the machine, its init included."""
        return processes_below(self.folder)

    def commands(self) -> list[list[str]]:
        """Return the argument vectors of its processes; one that ends meanwhile has none."""
        found: list[list[str]] = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found.append(process.cmdline())
        return found


class Machines:
    """The machines of one test."""

    def __init__(self, sandbox: RunningSandbox, ami: str) -> None:
        self._sandbox = sandbox
        self._ami = ami
        self.ec2: Any = sandbox.client("ec2")
        self._made: list[str] = []

    def launch(self, user_data: str = "", count: int = 1, **more: Any) -> list[Machine]:
        """Launch machines and return when they run and have done their user-data."""
        made = self.begin(user_data, count, **more)
        done = "user-data ended" if user_data else "boot 1"
        for machine in made:
            machine.says(done)
        return made

    def begin(self, user_data: str = "", count: int = 1, **more: Any) -> list[Machine]:
        """Launch machines and return when their instances run."""
        if user_data:
            more["UserData"] = user_data
        reservation = run(self.ec2, self._ami, count, **more)
        self._made += ids(reservation)
        until(self.ec2, "running", ids(reservation))
        return [Machine(self._sandbox, one) for one in reservation["Instances"]]

    def end(self) -> None:
        if self._made:
            self.ec2.terminate_instances(InstanceIds=self._made)
            until(self.ec2, "terminated", self._made)


def processes_below(folder: Path) -> list[psutil.Process]:
    """Return the processes that carry a folder in their SPAWN_ROOT, or stand in it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            root = process.environ().get("SPAWN_ROOT", "")
            if root.startswith(f"{folder}/") or process.cwd().startswith(str(folder)):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found
