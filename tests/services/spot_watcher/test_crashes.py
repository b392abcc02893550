"""Replicas that are killed at any call, deletes that are lost, messages that come twice.

Whatever the order: each instance has one notice and one event, its machine is told, and nothing
is left in the queue.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.spot_watcher.handlers.hearing import on_seen
from services.spot_watcher.ports import World
from spawn.bus.ports import Reported
from spawn.contracts.event_kinds import MemberEvent
from spawn.contracts.notices import NoticeAction, NoticeKind
from spawn.contracts.reports import NoticeSeen
from tests.builders import ARRAY_ID
from tests.fakes.clock import NOON
from tests.services.spot_watcher.worlds import REGION, Fakes, warning

RANKS = 3


class Killed(BaseException):
    """The process is gone."""


class Mortal:
    """A door whose process is killed at one of its calls, before it is performed or after."""

    def __init__(self, door: Any, life: "Life") -> None:
        self._door = door
        self._life = life

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._door, name)

        async def performed(*arguments: Any, **named: Any) -> Any:
            self._life.spend()
            answer = await call(*arguments, **named)
            self._life.spend()
            return answer

        return performed


class Life:
    """So many calls, and then the end."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


Step = Callable[[Fakes, World], Any]


async def _read(fakes: Fakes, world: World) -> None:
    await fakes.read(world)


def _seen(rank: int) -> Step:
    async def report(fakes: Fakes, world: World) -> None:
        said = NoticeSeen(
            generation=0,
            at=NOON,
            kind=NoticeKind.INTERRUPTION,
            action=NoticeAction.TERMINATE,
            dies_at=NOON + timedelta(seconds=110),
        )
        await on_seen(
            Reported(report=said, array_id=ARRAY_ID, instance_id=fakes.instance(rank), sequence=1),
            world,
        )

    return report


STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(_read), st.integers(0, RANKS - 1).map(_seen)),
        st.integers(0, 14),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(
    copies=st.lists(st.integers(0, RANKS - 1), min_size=1, max_size=6),
    steps=STEPS,
    lost=st.integers(0, 2),
)
def test_each_instance_has_one_notice_whatever_fails(
    copies: list[int], steps: list[tuple[Step, int, bool]], lost: int
) -> None:
    asyncio.run(_live(copies, steps, lost))


async def _live(copies: list[int], steps: list[tuple[Step, int, bool]], lost: int) -> None:
    fakes = Fakes()
    sqs = fakes.aws.sqs(REGION)
    queue = await fakes.queue()
    for rank in copies:
        fakes.say(warning(fakes.instance(rank)))
    sqs.lost_deletes = lost
    for step, calls, shows in steps:
        life = Life(calls)
        world = fakes.world(door=lambda door, life=life: Mortal(door, life))
        try:
            await step(fakes, world)
        except* Killed:
            pass
        if shows:
            sqs.show_all()
    # What was not settled is delivered again, to a replica that lives.
    world = fakes.world("b")
    for step, _, _ in steps:
        if step is not _read:
            await step(fakes, world)
    while sqs.left(queue.url):
        sqs.show_all()
        await fakes.read(world)
    expected = set(copies) | {record.rank for record in fakes.notices().values()}
    ranks = [event.data.rank for event in fakes.said() if isinstance(event.data, MemberEvent)]
    assert sorted(ranks) == sorted(expected)
    assert {told.rank for _, told in fakes.told()} == expected
    assert len(fakes.notices()) == len(expected)
