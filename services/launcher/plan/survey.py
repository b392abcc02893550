"""What to look at in a region, and what to make of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from services.launcher.plan.observation import is_in_transition
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member

_LONGEST_PAUSE = timedelta(seconds=5)
_FORGOTTEN_AFTER = timedelta(minutes=5)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a region that are expected to change, and the states that tell so."""

    members: tuple[Member, ...]
    states: tuple[InstanceState, ...]

    @property
    def array_ids(self) -> frozenset[ArrayId]:
        """The arrays for which the region is looked at."""
        return frozenset(member.array_id for member in self.members)


class Hidden(msgspec.Struct, frozen=True):
    """An instance that EC2 did not list when it was asked for: how often, and when to ask next."""

    times: int
    next_look: datetime


def plan_survey(arrays: Mapping[ArrayId, Array], members: Iterable[Member], region: str) -> Survey:
    """Select the members in transition and the EC2 states to list."""
    moving: list[Member] = []
    states: set[InstanceState] = set()
    for member in members:
        array = arrays.get(member.array_id)
        if array is None or array.region != region or not is_in_transition(member, array):
            continue
        moving.append(member)
        states.add(InstanceState.PENDING)
        if array.ending is not None:
            states.add(InstanceState.SHUTTING_DOWN)
        if member.instance.state is InstanceState.STOPPING:
            states.add(InstanceState.STOPPING)
    return Survey(members=tuple(moving), states=tuple(sorted(states)))


def to_ask_by_id(
    survey: Survey,
    listed: Iterable[InstanceId],
    hidden: Mapping[InstanceId, Hidden],
    *,
    now: datetime,
) -> tuple[InstanceId, ...]:
    """Return the instances that have left the listed states, the hidden ones when it is time."""
    still = set(listed)
    return tuple(
        member.instance.id
        for member in survey.members
        if member.instance.id not in still and _is_time(hidden.get(member.instance.id), now)
    )


def note_hidden(
    hidden: Mapping[InstanceId, Hidden],
    asked: Iterable[InstanceId],
    seen: Iterable[InstanceId],
    *,
    first_pause: timedelta,
    now: datetime,
) -> dict[InstanceId, Hidden]:
    """Ask ever more seldom for instances that EC2 doesn't list yet.

    Those that nobody asks for any more are forgotten.
    """
    found = set(seen)
    after = {
        id_: each
        for id_, each in hidden.items()
        if id_ not in found and now - each.next_look < _FORGOTTEN_AFTER
    }
    for id_ in asked:
        if id_ not in found:
            times = after[id_].times + 1 if id_ in after else 1
            pause = min(first_pause * 2 ** min(times, 10), _LONGEST_PAUSE)
            after[id_] = Hidden(times, now + pause)
    return after


def _is_time(hidden: Hidden | None, now: datetime) -> bool:
    return hidden is None or now >= hidden.next_look
