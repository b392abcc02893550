"""Telling who is logged in that the machine's lease ends soon."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime, timedelta

from agent.clock import read_instant
from agent.console import say
from agent.orders import Assignment, Tell
from agent.processes import kill_group

WITHIN = timedelta(seconds=20)
"""How long it may take: a terminal that takes nothing more holds `wall` up."""

_ENDS = {"terminate": "ends", "stop": "is stopped", "hibernate": "hibernates"}


async def warn(assignment: Assignment | None, tell: Tell, *, within: timedelta = WITHIN) -> None:
    """Write to all terminals when the machine goes away, if the warning is of its lease."""
    if assignment is None or not _is_of(assignment, tell):
        return
    text = words(assignment, tell)
    say(text)
    program = shutil.which("wall")
    if program is None:
        return
    try:
        child = await asyncio.create_subprocess_exec(
            program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        await _until_told(child, text, within)
    except (OSError, asyncio.TimeoutError) as error:
        say(f"{program}: {str(error) or 'it takes too long'}")


async def _until_told(child: asyncio.subprocess.Process, text: str, within: timedelta) -> None:
    try:
        await asyncio.wait_for(child.communicate(f"{text}\n".encode()), within.total_seconds())
    finally:
        if child.returncode is None:
            kill_group(child.pid)
            await child.wait()


def words(assignment: Assignment, tell: Tell) -> str:
    """Return what is said, in one line."""
    verb = _ENDS.get(assignment.lease_action, "ends")
    at = _instant(assignment.lease).strftime("%H:%M:%S UTC")
    return (
        f"This machine {verb} in {_left(tell.left_seconds)}, at {at};"
        f" more time: spawn extend {assignment.name} +1h"
    )


def _left(seconds: int) -> str:
    """Write minutes from two on, seconds below."""
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else f"{seconds} seconds"


def _is_of(assignment: Assignment, tell: Tell) -> bool:
    """Say whether it is our lease that was warned of: a member may have one of its own."""
    return tell.until is not None and _instant(tell.until) == _instant(assignment.lease)


def _instant(text: str) -> datetime:
    return read_instant(text).replace(microsecond=0)
