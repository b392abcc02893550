"""The dead-man switch, seen from the agent: arm it anew, and know what it has."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from agent import places
from agent.clock import read_instant
from agent.orders import Assignment
from agent.state import Machine

_WITHIN = 60
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


async def arm(machine: Machine, assignment: Assignment) -> None:
    """Give the switch the assignment's lease; raises `NotArmed`."""
    until = whole_seconds(assignment.lease)
    cap = max(until - machine.clock.now(), timedelta()) + CAP_AFTER
    lease = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    program = machine.places.programs / "deadman"
    try:
        child = await asyncio.create_subprocess_exec(
            str(program),
            "arm",
            lease,
            assignment.lease_action,
            str(int(cap.total_seconds())),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(child.communicate(), _WITHIN)
    except (OSError, asyncio.TimeoutError) as error:
        raise NotArmed(f"{program}: {error or 'it takes too long'}") from error
    if child.returncode:
        raise NotArmed(f"{program}: {said.decode(errors='replace')[-300:]}")


def whole_seconds(lease: str) -> datetime:
    """Return a lease's instant as the switch keeps it."""
    return read_instant(lease).replace(microsecond=0)
