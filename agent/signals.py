"""Signs of work, as counters of the kernel, and what two readings of them say.

What can't be read is None: nothing is known of it, and who decides takes it for busy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.accelerators import busy_share

_SECTOR = 512
"""Bytes, always (https://www.kernel.org/doc/Documentation/block/stat.txt)."""

_IDLE_FIELDS = (3, 4)
_WHOLE_DISK = re.compile(r"(?:nvme\d+n\d+|x?v?[sh]?d[a-z]+|mmcblk\d+)")


@dataclass(frozen=True)
class Counters:
    """One reading; `cpu` is (busy, all) in ticks, the rest in bytes since boot."""

    at: float
    cpu: tuple[int, int] | None
    network: int | None
    disk: int | None
    gpu: float | None
    job_processes: int | None
    ssh_sessions: int | None


def read_counters(root: Path, at: float, sessions: Collection[int]) -> Counters:
    """Read all signs of the machine below `root` now; `sessions` are those that run a job."""
    proc = root / "proc"
    processes = _processes(proc)
    return Counters(
        at=at,
        cpu=cpu_ticks(_text(proc / "stat")),
        network=network_bytes(_text(proc / "net/dev")),
        disk=disk_bytes(_text(proc / "diskstats")),
        gpu=busy_share(root),
        job_processes=_count_job(processes, sessions),
        ssh_sessions=_count_ssh(processes),
    )


def compare(before: Counters, now: Counters) -> dict[str, Any]:
    """Return a heartbeat's signs; those that are unknown are left out."""
    window = max(now.at - before.at, 0.001)
    signs = {
        "job_processes": now.job_processes,
        "ssh_sessions": now.ssh_sessions,
        "cpu_share": _share(before.cpu, now.cpu),
        "network_rate": _rate(before.network, now.network, window),
        "disk_rate": _rate(before.disk, now.disk, window),
        "gpu_share": now.gpu,
    }
    known = {name: value for name, value in signs.items() if value is not None}
    return {"window_seconds": window, **known}


def _share(before: tuple[int, int] | None, now: tuple[int, int] | None) -> float | None:
    if before is None or now is None or now[1] <= before[1]:
        return None
    return min(max((now[0] - before[0]) / (now[1] - before[1]), 0.0), 1.0)


def _rate(before: int | None, now: int | None, window: float) -> float | None:
    if before is None or now is None or now < before:
        return None
    return (now - before) / window


def cpu_ticks(stat: str) -> tuple[int, int] | None:
    """Return busy and all ticks of /proc/stat's first line."""
    fields = stat.partition("\n")[0].split()
    if len(fields) <= max(_IDLE_FIELDS) + 1 or fields[0] != "cpu":
        return None
    ticks = [int(each) for each in fields[1:9]]
    return sum(ticks) - sum(ticks[each] for each in _IDLE_FIELDS), sum(ticks)


def network_bytes(text: str) -> int | None:
    """Return received and sent bytes of all interfaces but loopback, from /proc/net/dev."""
    rows = [line.partition(":") for line in text.splitlines() if ":" in line]
    counts = [rest.split() for name, _, rest in rows if name.strip() != "lo"]
    return sum(int(each[0]) + int(each[8]) for each in counts) if counts else None


def disk_bytes(text: str) -> int | None:
    """Return read and written bytes of all whole disks, from /proc/diskstats."""
    rows = [line.split() for line in text.splitlines()]
    disks = [row for row in rows if len(row) > 9 and _WHOLE_DISK.fullmatch(row[2])]  # noqa: PLR2004 - the last field used
    return sum((int(row[5]) + int(row[9])) * _SECTOR for row in disks) if disks else None


def _processes(proc: Path) -> dict[int, tuple[str, int, int]] | None:
    """Return name, parent and session of every process; None when not even ours is among them."""
    found: dict[int, tuple[str, int, int]] = {}
    try:
        numbers = [int(each.name) for each in proc.iterdir() if each.name.isdigit()]
    except OSError:
        return None
    for number in numbers:
        text = _text(proc / str(number) / "stat")
        name = text[text.find("(") + 1 : text.rfind(")")]
        fields = text.rpartition(")")[2].split()
        if len(fields) > 3 and fields[0] not in "ZX":  # noqa: PLR2004 - up to the session
            found[number] = (name, int(fields[1]), int(fields[3]))
    return found if os.getpid() in found else None


def _count_job(
    processes: dict[int, tuple[str, int, int]] | None, sessions: Collection[int]
) -> int | None:
    if processes is None:
        return None
    return sum(1 for _, _, session in processes.values() if session in sessions)


def _count_ssh(processes: dict[int, tuple[str, int, int]] | None) -> int | None:
    """Count the innermost sshd processes: one for each connection, whatever is above it."""
    if processes is None:
        return None
    servers = {pid for pid, (name, _, _) in processes.items() if name.startswith("sshd")}
    parents = {processes[pid][1] for pid in servers}
    return sum(1 for pid in servers if processes[pid][1] in servers and pid not in parents)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
