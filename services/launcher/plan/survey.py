"""What to look at in a region, and what to make of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from services.launcher.plan.observation import is_in_transition, is_leaving
from services.launcher.plan.power import wish_for
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.members import Member, MemberState

_LONGEST_PAUSE = timedelta(seconds=5)
_FORGOTTEN_AFTER = timedelta(minutes=5)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a region that are expected to change, and the states that tell so.

    `leaving` are the instances that are about to end, or to be stopped or started, nobody knows
    when: of their own accord, or because the cloud takes them away.
    """

    members: tuple[Member, ...]
    states: tuple[InstanceState, ...]
    leaving: frozenset[InstanceId] = frozenset()

    @property
    def array_ids(self) -> frozenset[ArrayId]:
        """The arrays for which the region is looked at."""
        return frozenset(member.array_id for member in self.members)


class Hidden(msgspec.Struct, frozen=True):
    """An instance that was asked for without news: how often, and when to ask next.

    EC2 doesn't list it yet, or it still runs though it is about to end itself.
    """

    times: int
    next_look: datetime


def plan_survey(
    arrays: Mapping[ArrayId, Array], members: Iterable[Member], region: str, *, now: datetime
) -> Survey:
    """Select the members in transition and the EC2 states to list."""
    moving: list[Member] = []
    states: set[InstanceState] = set()
    leaving: set[InstanceId] = set()
    for member in members:
        array = arrays.get(member.array_id)
        if array is None or array.region != region or not is_in_transition(member, array, now=now):
            continue
        moving.append(member)
        states |= _passing_states(member, array)
        waits = is_leaving(member, array, now=now) or wish_for(array, member.rank) is not None
        if array.ending is None and waits:
            leaving.add(member.instance.id)
        if member.is_succeeding:
            leaving.update(each.id for each in _waiting_for_news(member))
    return Survey(members=tuple(moving), states=tuple(sorted(states)), leaving=frozenset(leaving))


def _passing_states(member: Member, array: Array) -> set[InstanceState]:
    """Return the states that an instance may be in as long as there is no news of it."""
    states = {InstanceState.PENDING}
    if array.ending is not None or member.state is MemberState.EXITED:
        states.add(InstanceState.SHUTTING_DOWN)
    is_to_stop = wish_for(array, member.rank) is not None
    if member.instance.state is InstanceState.STOPPING or is_to_stop:
        states.add(InstanceState.STOPPING)
    return states


def with_news(survey: Survey, found: Iterable[Described]) -> frozenset[InstanceId]:
    """Return the instances that are not only found running although they are about to end."""
    return frozenset(
        each.instance.id
        for each in found
        if each.instance.id not in survey.leaving
        or each.instance.state is not InstanceState.RUNNING
    )


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
        instance.id
        for member in survey.members
        for instance in _not_over(member)
        if instance.id not in still and _is_time(hidden.get(instance.id), now)
    )


def _not_over(member: Member) -> Iterable[Instance]:
    """Return the instances of a rank of which more is to be heard."""
    formers = [each.instance for each in member.formers]
    left = [each for each in formers if each.state is not InstanceState.TERMINATED]
    return left if member.is_over else (member.instance, *left)


def _waiting_for_news(member: Member) -> Iterable[Instance]:
    """Return the instances of a rank that may run on, nobody knows how long."""
    is_up = member.state is not MemberState.LAUNCHED
    return member.instances if is_up else member.instances[1:]


def note_hidden(
    hidden: Mapping[InstanceId, Hidden],
    asked: Iterable[InstanceId],
    seen: Iterable[InstanceId],
    *,
    first_pause: timedelta,
    now: datetime,
) -> dict[InstanceId, Hidden]:
    """Ask ever more seldom for instances of which there is no news.

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
