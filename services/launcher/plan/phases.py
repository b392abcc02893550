"""The phases of a launch, and how long an array has spent in each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from services.launcher.model import View
from spawn.contracts.arrays import ArrayState
from spawn.contracts.members import MemberState


class Phase(StrEnum):
    """What a launch waits for: a place, EC2's instances, their boot, the agents and names."""

    PLACING = "placing"
    LAUNCHING = "launching"
    BOOTING = "booting"
    MEETING = "meeting"


class Splits(msgspec.Struct, frozen=True, kw_only=True):
    """The phase that a launch is in since when, and what it has spent in those before."""

    phase: Phase
    since: datetime
    spent: Mapping[Phase, timedelta] = {}


def phase_of(view: View) -> Phase | None:
    """Return the phase that an array's launch is in; None once it is decided."""
    array = view.array
    if array.ending is not None or array.state not in _UNDER_WAY:
        return None
    if array.state is ArrayState.ACCEPTED:
        return Phase.PLACING
    if array.chunks or array.intents:
        return Phase.LAUNCHING
    booting = (each.state in _BOOTING for each in view.members.values())
    return Phase.BOOTING if any(booting) else Phase.MEETING


def begin(view: View) -> Splits | None:
    """Begin to take times, which nobody can of a launch whose beginning he has not seen."""
    if phase_of(view) is not Phase.PLACING:
        return None
    return Splits(phase=Phase.PLACING, since=view.array.accepted_at)


def split(splits: Splits, view: View) -> Splits:
    """Add the time since the last look to the phase that the launch was in."""
    spent = splits.spent.get(splits.phase, timedelta(0)) + (view.now - splits.since)
    return Splits(
        phase=phase_of(view) or splits.phase,
        since=view.now,
        spent={**splits.spent, splits.phase: spent},
    )


_UNDER_WAY = frozenset({ArrayState.ACCEPTED, ArrayState.LAUNCHING})
_BOOTING = frozenset({MemberState.PENDING, MemberState.LAUNCHED})
