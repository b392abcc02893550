"""The dead-man switch, seen from the agent: arm it anew, and know what it has."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from agent import places
from agent.clock import read_instant
from agent.orders import Assignment
from agent.processes import kill_group
from agent.state import Machine

WITHIN = timedelta(minutes=1)
"""How long arming may take: it waits for systemd, which a booting machine keeps busy."""

CAP_AFTER = timedelta(minutes=10)
"""How long after its lease a machine ends whatever its wall clock says."""


class NotArmed(Exception):  # noqa: N818 - a state
    """The dead-man switch could not be set."""


def armed_lease(where: places.Places) -> str | None:
    """Return the lease that the switch has; None when it has none."""
    return places.read_text(where.armed).partition(" ")[0] or None


def is_armed(where: places.Places, assignment: Assignment) -> bool:
    """Say whether the switch has this assignment's lease."""
    lease, _, action = places.read_text(where.armed).partition(" ")
    if not lease or action != assignment.lease_action:
        return False
    return read_instant(lease) == whole_seconds(assignment.lease)


async def arm(machine: Machine, assignment: Assignment, *, within: timedelta = WITHIN) -> None:
    """Give the switch the assignment's lease; raises `NotArmed`, if need be after `within`."""
    until = whole_seconds(assignment.lease)
    cap = max(until - machine.clock.now(), timedelta()) + CAP_AFTER
    lease = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    program = machine.places.programs / "deadman"
    words = ("arm", lease, assignment.lease_action, str(int(cap.total_seconds())))
    try:
        code, said = await _run(program, *words, within=within)
    except (OSError, asyncio.TimeoutError) as error:
        raise NotArmed(f"{program}: {str(error) or 'it takes too long'}") from error
    if code:
        raise NotArmed(f"{program}: {said.decode(errors='replace')[-300:]}")


async def _run(program: Path, *words: str, within: timedelta) -> tuple[int | None, bytes]:
    """Return a program's exit code and its errors; raise `TimeoutError` once it has been ended."""
    child = await asyncio.create_subprocess_exec(
        str(program),
        *words,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = await asyncio.wait_for(child.communicate(), within.total_seconds())
    except asyncio.TimeoutError:
        # It might go on later, and arm an old lease after a newer one.
        kill_group(child.pid)
        await child.wait()
        raise
    return child.returncode, said


def whole_seconds(lease: str) -> datetime:
    """Return a lease's instant as the switch keeps it."""
    return read_instant(lease).replace(microsecond=0)
