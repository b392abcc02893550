"""What systemctl tells of units."""

from collections.abc import Sequence
from datetime import datetime

from sandbox.machines.init.service import Service
from sandbox.machines.init.systemd import Systemd, Unit, UnitError


def state(systemd: Systemd, name: str) -> str:
    """Return a unit's state; `inactive` for one that is not there."""
    try:
        return systemd.load(name).state
    except UnitError:
        return "inactive"


def status(systemd: Systemd, name: str) -> str:
    """Return some lines for people. Raises `UnitError`."""
    unit = systemd.load(name)
    lines = [
        f"● {unit.name}",
        f"     Loaded: loaded ({systemd.path_of(unit.name) or 'transient'})",
        f"     Active: {unit.state} ({unit.sub_state})",
    ]
    if isinstance(unit, Service) and unit.main is not None:
        lines.append(f"   Main PID: {unit.main.pid}")
    return "".join(f"{line}\n" for line in lines)


def table(systemd: Systemd, *, timers: bool) -> str:
    """Return one line a unit."""
    units = [
        unit
        for name, unit in sorted(systemd.units.items())
        if name.endswith(".timer") or not timers
    ]
    return "".join(f"{one.name} loaded {one.state} {one.sub_state}\n" for one in units)


def properties(
    systemd: Systemd, name: str, wanted: Sequence[str], *, values_only: bool = False
) -> str:
    """Return properties as systemd writes them, those `wanted` or all."""
    found = _all(systemd, name)
    keys = [key for key in wanted if key in found] if wanted else list(found)
    return "".join(f"{found[key]}\n" if values_only else f"{key}={found[key]}\n" for key in keys)


def _all(systemd: Systemd, name: str) -> dict[str, str]:
    try:
        unit = systemd.load(name)
    except UnitError:
        return {
            "Id": name,
            "LoadState": "not-found",
            "ActiveState": "inactive",
            "SubState": "dead",
            "MainPID": "0",
        }
    common = {
        "Id": unit.name,
        "LoadState": "loaded",
        "ActiveState": unit.state,
        "SubState": unit.sub_state,
        "FragmentPath": str(systemd.path_of(unit.name) or ""),
        "UnitFileState": systemd.enablement(unit.name),
    }
    return {**common, **_own(unit)}


def _own(unit: Unit) -> dict[str, str]:
    if isinstance(unit, Service):
        return {
            "Type": unit.file.type,
            "Restart": unit.file.restart,
            "MainPID": str(unit.main.pid if unit.main else 0),
            "NRestarts": str(unit.restarts),
            "Result": unit.result,
            "ExecMainStatus": str(abs(unit.status)),
            "InvocationID": unit.invocation,
        }
    return {
        "Unit": unit.file.unit,
        "NextElapseUSecRealtime": _instant(unit.elapses),
        "LastTriggerUSec": _instant(unit.triggered),
    }


def _instant(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone():%a %Y-%m-%d %H:%M:%S %Z}"
