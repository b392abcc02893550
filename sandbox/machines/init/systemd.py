"""The units of a machine: found on disk, started, stopped, enabled."""

import asyncio
from contextlib import suppress
from pathlib import Path

from sandbox.machines.init.service import Service
from sandbox.machines.init.service_files import read_service
from sandbox.machines.init.timer import Timer
from sandbox.machines.init.timer_files import read_timer
from sandbox.machines.init.unit_files import UnitFile, find
from sandbox.machines.init.world import World

_SUFFIXES = (".service", ".timer", ".target")
_ETC = "etc/systemd/system"
Unit = Service | Timer


class UnitError(Exception):
    """A unit that is not there (`code` 5), or can't be read (`code` 1)."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Systemd:
    """Every unit that was referred to since the boot."""

    def __init__(self, world: World, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._group = group
        self._transient: dict[str, UnitFile] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self.units: dict[str, Unit] = {}

    def reload(self) -> None:
        """Read unit files anew: at once for what runs, at their next use for all others."""
        for name, unit in list(self.units.items()):
            if unit.over.is_set():
                del self.units[name]
                continue
            file = self._find(name)
            if file is None:
                continue
            with suppress(ValueError):
                if isinstance(unit, Service):
                    unit.file = read_service(file)
                else:
                    unit.file = read_timer(file)

    def load(self, name: str) -> Unit:
        """Return a unit. Raises `UnitError` when there is none or it can't be read."""
        name = full_name(name)
        known = self.units.get(name)
        if known is not None:
            return known
        file = self._find(name)
        if file is None:
            raise UnitError(f"Unit {name} not found.", code=5)
        try:
            unit = self._make(file)
        except ValueError as error:
            raise UnitError(f"Unit {name} has a bad unit file setting: {error}") from error
        self.units[name] = unit
        return unit

    def add_transient(self, file: UnitFile) -> None:
        """Add a unit that stands in no file, in place of an ended one of its name."""
        known = self.units.get(file.name)
        if known is not None and not known.over.is_set():
            raise UnitError(f"Unit {file.name} was already loaded or has a fragment file.")
        self.units.pop(file.name, None)
        self._transient[file.name] = file

    async def start(self, name: str, *, wait: bool = True) -> None:
        """Start a unit; with `wait` return when it has started. Raises `UnitError`."""
        if name.endswith(".target"):
            return
        unit = self.load(name)
        fresh = unit.over.is_set()
        if isinstance(unit, Timer):
            if fresh:
                unit.begin()
                self._live(unit)
            return
        started = unit.begin()
        if fresh:
            self._live(unit)
        if wait and not await asyncio.shield(started):
            raise UnitError(
                f"Job for {unit.name} failed because the control process exited with error code."
            )

    async def stop(self, name: str) -> None:
        """Stop a unit and return when it has ended. Raises `UnitError`."""
        if not name.endswith(".target"):
            await self.load(name).stop()

    async def run(self, name: str) -> None:
        """Start a unit for a timer, and return when it has ended; never raises `UnitError`."""
        try:
            await self.start(name, wait=False)
            await self.load(name).over.wait()
        except UnitError as error:
            self._world.say(f"systemd: {error}")

    def enable(self, name: str) -> list[str]:
        """Link a unit into what wants it; return what was done. Raises `UnitError`."""
        file = self._needed(full_name(name))
        done: list[str] = []
        for target in self._wanted_by(file):
            link = self._etc / f"{target}.wants" / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(str(file.path))
                done.append(f"Created symlink {link} → {file.path}.")
        return done

    def disable(self, name: str) -> list[str]:
        """Take a unit's links away; return what was done."""
        done: list[str] = []
        for link in self._etc.glob(f"*.wants/{full_name(name)}"):
            link.unlink()
            done.append(f"Removed {link}.")
        return done

    def enablement(self, name: str) -> str:
        """Return whether a unit is enabled, as systemd words it. Raises `UnitError`."""
        file = self._needed(full_name(name))
        if file.path is None:
            return "transient"
        if any(self._etc.glob(f"*.wants/{file.name}")):
            return "enabled"
        return "disabled" if self._wanted_by(file) else "static"

    async def start_enabled(self) -> None:
        """Start what is enabled: timers first, as they are to guard the rest."""
        names = {link.name for link in self._etc.glob("*.wants/*")}
        for name in sorted(names, key=lambda one: (not one.endswith(".timer"), one)):
            try:
                await self.start(name, wait=False)
            except UnitError as error:
                self._world.say(f"systemd: {error}")

    def running(self) -> list[Unit]:
        """Return the units that are not over."""
        return [unit for unit in self.units.values() if not unit.over.is_set()]

    def abandon(self) -> None:
        """End the lives of all units, for their processes are gone."""
        for task in tuple(self._lives):
            task.cancel()

    def path_of(self, name: str) -> Path | None:
        """Return the file of a unit."""
        file = self._find(full_name(name))
        return None if file is None else file.path

    def _live(self, unit: Unit) -> None:
        task = self._group.create_task(unit.live(), name=unit.name)
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)

    @property
    def _etc(self) -> Path:
        return self._world.folder.root / _ETC

    def _make(self, file: UnitFile) -> Unit:
        if file.name.endswith(".timer"):
            return Timer(file.name, read_timer(file), self._world, trigger=self.run)
        return Service(file.name, read_service(file), self._world)

    def _find(self, name: str) -> UnitFile | None:
        return self._transient.get(name) or find(self._world.folder.root, name)

    def _needed(self, name: str) -> UnitFile:
        file = self._find(name)
        if file is None:
            raise UnitError(f"Failed to enable unit: Unit file {name} does not exist.")
        return file

    @staticmethod
    def _wanted_by(file: UnitFile) -> list[str]:
        lines = [*file.all("Install", "WantedBy"), *file.all("Install", "RequiredBy")]
        return [target for line in lines for target in line.split()]


def full_name(name: str) -> str:
    """Return a unit's name with its suffix; a path stands for the unit of its file."""
    name = name.rpartition("/")[2]
    return name if name.endswith(_SUFFIXES) else f"{name}.service"
