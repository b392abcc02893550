"""A machine's own `/proc`, as far as its agent reads it: what its processes have used, no more.

The host's would tell of everything else that runs on the laptop. The kernel adds what a process
has used to what its parent has once that has waited for it, so that the sums below the init only
grow. Bytes on the network are not counted by process: in their place stand those that went through
read and write, of sockets, pipes and files alike, for somebody who works at a terminal to be seen.
"""

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sandbox.machines.init.world import World

EVERY = timedelta(seconds=20)
"""Time between two looks: some of them make a window of the agent's."""

_SECTOR = 512
_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _CUTIME, _AFTER = 11, 13, 15
"""Fields behind the name (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)."""


class _Bytes(NamedTuple):
    disk_read: int = 0
    disk_written: int = 0
    passed: int = 0


async def keep_signs(world: World) -> None:
    """Write the machine's `/proc` now and then; runs until it is cancelled."""
    signs = Signs(world)
    while True:
        # Not while it boots, with others: until then nothing is known, which is work.
        await world.clock.sleep(EVERY)
        # A folder may be deleted under its machine: nothing is known of it then, which is work.
        with suppress(OSError):
            await asyncio.to_thread(signs.write)


class Signs:
    """The files, and what was counted at the last look."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._proc = world.folder.root / "proc"
        self._began = world.clock.monotonic()
        self._passed: dict[int, int] = {}
        self._total_passed = 0
        # No accelerator is this machine's alone.
        (world.folder.root / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
        (self._proc / "net").mkdir(parents=True, exist_ok=True)

    def write(self) -> None:
        """Look once, and write what is seen."""
        pids = self._world.processes.descendants()
        counted = {pid: _bytes_of(pid) for pid in pids}
        own = _bytes_of(os.getpid())
        self._total_passed += sum(
            max(each.passed - self._passed.get(pid, 0), 0) for pid, each in counted.items()
        )
        self._passed = {pid: each.passed for pid, each in counted.items()}
        read = own.disk_read + sum(each.disk_read for each in counted.values())
        written = own.disk_written + sum(each.disk_written for each in counted.values())
        self._replace("stat", self._stat(pids))
        self._replace("net/dev", _net_dev(self._total_passed))
        self._replace("diskstats", _diskstats(read, written))
        self._list(pids)

    def _stat(self, pids: set[int]) -> str:
        """Return the processors' line: the machine has as many as the host."""
        waited_for = sum(_ticks_of(os.getpid())[_CUTIME - _UTIME :])
        busy = waited_for + sum(sum(_ticks_of(pid)) for pid in pids)
        seconds = self._world.clock.monotonic() - self._began
        ticks = int(seconds * _TICKS) * (os.cpu_count() or 1)
        return f"cpu  {busy} 0 0 {max(ticks - busy, 0)} 0 0 0 0 0 0\n"

    def _list(self, pids: set[int]) -> None:
        """Have the machine's processes be listed, each as the host has it, and no others."""
        listed = {int(each.name) for each in self._proc.glob("[0-9]*")}
        for pid in listed - pids:
            (self._proc / str(pid)).unlink(missing_ok=True)
        for pid in pids - listed:
            (self._proc / str(pid)).symlink_to(f"/proc/{pid}")

    def _replace(self, name: str, text: str) -> None:
        draft = self._proc / f".{name.replace('/', '-')}"
        draft.write_text(text)
        draft.replace(self._proc / name)


def _ticks_of(pid: int) -> list[int]:
    """Return user and system time, and that of children that were waited for."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return [int(each) for each in text.rpartition(")")[2].split()[_UTIME:_AFTER]]
    return []


def _bytes_of(pid: int) -> _Bytes:
    """Return what a process has read and written; nothing of one that is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        value = {name: int(number) for name, _, number in (one.partition(":") for one in lines)}
        return _Bytes(value["read_bytes"], value["write_bytes"], value["rchar"] + value["wchar"])
    return _Bytes()


def _net_dev(passed: int) -> str:
    nothing = " 0" * 7
    return f"head\nhead\n  eth0: {passed}{nothing} 0{nothing}\n"


def _diskstats(read: int, written: int) -> str:
    return f"   8 0 vda 0 0 {read // _SECTOR} 0 0 0 {written // _SECTOR} 0 0 0 0\n"
