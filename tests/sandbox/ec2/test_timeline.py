from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.ec2.timeline import Errand, Timeline, Timer

from .make import record

REGION = cast("RegionState", object())


def test_timers_come_in_order_and_not_before_their_time() -> None:
    timeline, first, second = Timeline(), record(1), record(2)
    timeline.add(2, REGION, second, State.RUNNING)
    timeline.add(1, REGION, first, State.RUNNING)
    assert timeline.next_due() == 1
    assert timeline.pop_due(now=0.5) is None
    popped: list[Any] = [timeline.pop_due(now=5), timeline.pop_due(now=5)]
    assert [timer.record for timer in popped] == [first, second]
    assert timeline.next_due() is None


def test_a_timer_of_an_older_generation_is_void() -> None:
    timeline, one = Timeline(), record()
    timeline.add(1, REGION, one, State.RUNNING)
    one.generation += 1
    timeline.add(2, REGION, one, State.TERMINATED)
    timer = timeline.pop_due(now=5)
    assert isinstance(timer, Timer)
    assert timer.state is State.TERMINATED
    assert timeline.pop_due(now=5) is None


@given(st.lists(st.floats(0, 100)))
def test_no_timer_is_lost(dues: list[float]) -> None:
    timeline = Timeline()
    for number, due in enumerate(dues):
        timeline.add(due, REGION, record(number), None)
    popped: list[float] = []
    while (timer := timeline.pop_due(now=100)) is not None:
        popped.append(timer.due)
    assert popped == sorted(dues)


def test_an_errand_is_due_whatever_has_become_of_instances() -> None:
    timeline, done = Timeline(), list[str]()
    timeline.call(1, lambda: done.append("done"))
    errand = timeline.pop_due(now=1)
    assert isinstance(errand, Errand)
    errand.run()
    assert done == ["done"]


def test_a_sooner_timer_is_told_and_a_later_one_is_not() -> None:
    told: list[str] = []
    timeline = Timeline(on_sooner=lambda: told.append("sooner"))
    for due, expected in ((5, 1), (9, 1), (2, 2)):
        timeline.add(due, REGION, record(), None)
        assert len(told) == expected
