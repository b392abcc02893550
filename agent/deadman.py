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


TOLERATED = timedelta(seconds=20)
"""By how much the machine's clock may differ from the control plane's without being corrected
for: answers may take a while, and time servers keep clocks far closer."""

_JITTER = timedelta(seconds=10)
"""By how much measured differences of a clock that goes wrong may differ among themselves."""

_NONE = timedelta()


class NotArmed(Exception):  # noqa: N818 - a state
    """The dead-man switch could not be set."""


def armed_lease(where: places.Places) -> str | None:
    """Return the lease that the switch has, by the control plane's clock; None without one."""
    lease = places.read_text(where.armed).partition(" ")[0] or None
    shown, _, meant = places.read_text(where.meant).partition(" ")
    return meant if lease is not None and shown == lease else lease


def is_armed(where: places.Places, assignment: Assignment, skew: timedelta = _NONE) -> bool:
    """Say whether the switch has this assignment's lease, by a clock that is ahead by `skew`."""
    lease, _, action = places.read_text(where.armed).partition(" ")
    if not lease or action != assignment.lease_action:
        return False
    wanted, shift = whole_seconds(assignment.lease), _shift(skew)
    if read_instant(armed_lease(where) or lease) != wanted:
        return False
    off = abs(read_instant(lease) - wanted - shift)
    return off <= (_JITTER if shift else _NONE)


def skew_of(answer: datetime | None, asked: datetime, answered: datetime) -> timedelta | None:
    """Return by how much our clock is ahead of one that showed `answer` in between.

    None when that can't be said.
    """
    if answer is None or not _NONE <= answered - asked <= _JITTER:
        return None
    return asked + (answered - asked) / 2 - answer


def _shift(skew: timedelta) -> timedelta:
    return _NONE if abs(skew) < TOLERATED else timedelta(seconds=round(skew.total_seconds()))


async def arm(
    machine: Machine,
    assignment: Assignment,
    skew: timedelta = _NONE,
    *,
    within: timedelta = WITHIN,
) -> None:
    """Give the switch the assignment's lease; raises `NotArmed`, if need be after `within`.

    It goes by this machine's clock, which is ahead of the control plane's by `skew`.
    """
    until = whole_seconds(assignment.lease) + _shift(skew)
    cap = max(until - machine.clock.now(), timedelta()) + CAP_AFTER
    lease = _write(until)
    meant = _write(whole_seconds(assignment.lease))
    places.write(machine.places.meant, f"{lease} {meant}\n".encode(), places.PUBLIC)
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


def _write(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def whole_seconds(lease: str) -> datetime:
    """Return a lease's instant as the switch keeps it."""
    return read_instant(lease).replace(microsecond=0)
