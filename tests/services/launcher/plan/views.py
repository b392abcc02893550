"""Views of arrays: whole ones for cases, and any that may come up for properties."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from services.launcher.model import OVERDUE, View
from services.launcher.plan.ladder import open_intent
from spawn.contracts.arrays import Array, ArrayState, Ending
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import Digest, OnMemberFailure, WaitFor
from spawn.contracts.members import Facts, Member, MemberState
from spawn.contracts.pools import Refusal
from spawn.contracts.power import PowerTo, PowerWish
from tests.builders import (
    NOON,
    PLACEMENT,
    POOL_A,
    POOL_B,
    a_chunk,
    a_member,
    an_array,
    an_instance,
)

LEASE_OVER = NOON + timedelta(hours=8)
LEASE_LONG_OVER = LEASE_OVER + OVERDUE
SIZE = 6

WISHES = (
    PowerWish(to=PowerTo.STOPPED, ranks="0-1", request_id="r-1", reason="asked for", at=NOON),
    PowerWish(to=PowerTo.RUNNING, ranks="2,4", request_id="r-2", reason="asked for", at=NOON),
)

_CALLED = (*InstanceState,)
_LIVE = (
    ArrayState.ACCEPTED,
    ArrayState.LAUNCHING,
    ArrayState.READY,
    ArrayState.DEGRADED,
    ArrayState.FINISHED,
)


def a_view(array: Array, members: Iterable[Member] = (), **changes: Any) -> View:
    """Return a view at noon of an array that nothing is under way for."""
    view = View(array=array, members={each.rank: each for each in members}, now=NOON)
    return msgspec.structs.replace(view, **changes)


def with_intent(array: Array) -> Array:
    """Return the array after its first chunk has been asked of a pool."""
    return open_intent(array, array.chunks[0], POOL_A, now=NOON)


def over_is_over() -> tuple[ArrayState, ...]:
    """Return the states in which nothing of an array is left."""
    return tuple(state for state in ArrayState if state.is_over)


@st.composite
def members(draw: st.DrawFn, rank: int) -> Member:
    """Draw any record of one rank."""
    state = draw(st.sampled_from(MemberState))
    lost = state is MemberState.LOST
    seen = InstanceState.TERMINATED if lost else draw(st.sampled_from(_CALLED))
    exits = st.sampled_from([None, 0, 3]) if state is MemberState.EXITED else st.none()
    return a_member(
        rank,
        state=state,
        instance=an_instance(rank, state=seen),
        facts=draw(st.sampled_from([None, Facts(), Facts()])),
        exit_code=draw(exits),
        generation=draw(st.integers(0, 2)),
        version=draw(st.integers(1, 9)),
        changed_at=NOON - draw(st.timedeltas(timedelta(0), timedelta(minutes=10))),
    )


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    """Draw an array at any point of its way: some ranks wait, some are asked for, some neither."""
    cuts = sorted(draw(st.lists(st.integers(0, SIZE), min_size=2, max_size=2)))
    asked, waiting = range(cuts[0]), range(cuts[0], cuts[1])
    array = an_array(
        SIZE,
        chunks=tuple(a_chunk(str(rank), number=rank) for rank in (*asked, *waiting)),
        min_count=draw(st.integers(1, SIZE)),
        placement=draw(st.sampled_from([PLACEMENT, PLACEMENT, None])),
    )
    if array.placement is not None:
        for _ in asked:
            array = with_intent(array)
    pools = draw(st.sampled_from([(), (POOL_A,), (POOL_A, POOL_B)]))
    refusals = tuple(
        Refusal(pool=pool, code="X", message="none left", asked=1, launched=0) for pool in pools
    )
    state, ending = draw(_states())
    policy = draw(st.sampled_from(OnMemberFailure))
    spec = msgspec.structs.replace(
        array.spec, on_member_failure=policy, wait_for=draw(st.sampled_from(WaitFor))
    )
    command = draw(st.sampled_from([None, Digest(4, "0" * 64)]))
    left = () if ending else array.chunks
    return msgspec.structs.replace(
        array,
        state=state,
        ending=ending,
        chunks=left,
        powering=draw(st.sampled_from([(), (), WISHES])),
        refusals=refusals,
        spec=spec,
        command=command,
    )


@st.composite
def _states(draw: st.DrawFn) -> tuple[ArrayState, Ending | None]:
    ended = draw(st.sampled_from([ArrayState.TERMINATED, ArrayState.FAILED]))
    ending = Ending(state=ended, reason="asked for", at=NOON)
    return draw(
        st.one_of(
            st.sampled_from([(state, None) for state in (*_LIVE, ArrayState.RECOVERED)]),
            st.sampled_from([(ArrayState.TERMINATING, ending), (ended, ending)]),
        )
    )


@st.composite
def views(draw: st.DrawFn) -> View:
    """Draw a view: any records, any of it under way, before or after the lease."""
    array = draw(arrays())
    ranks = draw(st.sets(st.integers(0, SIZE - 1)))
    held = [draw(members(rank)) for rank in ranks]
    numbers = [chunk.number for chunk in array.chunks]
    tokens = [intent.token for intent in array.intents]
    return a_view(
        array,
        held,
        now=draw(st.sampled_from([NOON, LEASE_LONG_OVER])),
        placing=frozenset(draw(_some(numbers))),
        sending=frozenset(draw(_some(tokens))),
        ending=frozenset(draw(_some([each.instance.id for each in held]))),
    )


def _some(values: list[Any]) -> st.SearchStrategy[set[Any]]:
    return st.sets(st.sampled_from(values)) if values else st.just(set[Any]())
