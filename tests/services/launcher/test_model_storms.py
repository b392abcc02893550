"""Every order and loss of what tells that machines go: one successor each, and nothing left."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from tests.fixtures.fencing import overlaps
from tests.services.launcher.model.machines import Habits, Life, Machines
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.truths import check_once, check_tokens, living_of

SIZE = 4
WORK = timedelta(minutes=6)
LEAD = timedelta(minutes=2)
A_WHILE = 60.0
LONGEST = 30
"""Whiles after which all must have ended: work twice, a lead, and two minutes for what is mute."""


class Loss(NamedTuple):
    """How a machine goes: what is said of it and when, in seconds after the first sign.

    `by_queue` and `by_metadata` are when the notice comes by either road, if it does; `silent`
    says that EC2 takes it away at once, `mute` that its machine does not say that its job is over.
    """

    rank: int
    begins: float
    by_queue: float | None
    by_metadata: float | None
    lead: float


EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

delays = st.one_of(st.none(), st.floats(0.0, 130.0))
saves = st.one_of(
    st.just(timedelta(seconds=30)), st.timedeltas(timedelta(0), timedelta(seconds=2))
)
"""How long saving takes: mostly it ends while the call for successors is under way."""

losses = st.builds(
    Loss,
    rank=st.integers(0, SIZE - 1),
    begins=st.floats(0.0, 20.0),
    by_queue=delays,
    by_metadata=delays,
    lead=st.sampled_from([0.0, 5.0, 120.0]),
)


@contextmanager
def a_plane() -> Generator[Plane]:
    plane = Plane()
    try:
        plane.start()
        yield plane
        assert plane.failures == []
    finally:
        plane.close()


@contextmanager
def machines_of(plane: Plane, habits: Habits) -> Generator[Machines]:
    machines = Machines(plane, habits)
    try:
        yield machines
    finally:
        machines.close()


def launched(plane: Plane) -> ArrayId:
    array = plane.launch(count=SIZE, command="true", spot=True, checkpoint_script="save")
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.READY
    return array


def lose(plane: Plane, machines: Machines, loss: Loss) -> None:
    """Have the first machine of a rank go as the loss says."""
    (life,) = machines.of_rank(loss.rank)
    dies_at = plane.clock.now() + timedelta(seconds=loss.begins + loss.lead)

    def notice(*, heard: bool) -> None:
        if life.is_up:
            machines.notice(life, dies_at, heard=heard)

    for delay, heard in ((loss.by_queue, False), (loss.by_metadata, True)):
        if delay is not None:
            plane.loop.call_later(loss.begins + delay, lambda heard=heard: notice(heard=heard))
    plane.loop.call_later(loss.begins + loss.lead, take, plane, life)


def take(plane: Plane, life: Life) -> None:
    plane.ec2.reclaim(life.machine.id)


def run_to_the_end(plane: Plane, array: ArrayId) -> None:
    for _ in range(LONGEST):
        if plane.state(array) is ArrayState.TERMINATED:
            break
        plane.run(A_WHILE)
    plane.run(A_WHILE)


def check_ended(plane: Plane, machines: Machines, array: ArrayId, lost: set[int]) -> None:
    assert plane.state(array) is ArrayState.TERMINATED
    finished = [event for event in plane.told(array) if event.name == "array.finished"]
    assert [getattr(event.data, "succeeded", None) for event in finished] == [True]
    assert living_of(plane, array) == []
    assert overlaps(machines.runs()) == []
    for rank in range(SIZE):
        lives = machines.of_rank(rank)
        assert [life.generation for life in lives] == ([0, 1] if rank in lost else [0])
        assert all(life.saves <= 1 for life in lives)
    check_tokens(plane)
    check_once(plane)


@EXAMPLES
@given(
    st.lists(losses, min_size=1, max_size=SIZE, unique_by=lambda loss: loss.rank),
    st.builds(Habits, work=st.just(WORK), save=saves, mute=st.booleans()),
)
def test_one_successor_each_whatever_is_said_in_whatever_order(
    lost: list[Loss], habits: Habits
) -> None:
    with a_plane() as plane, machines_of(plane, habits) as machines:
        array = launched(plane)
        for loss in lost:
            lose(plane, machines, loss)
        run_to_the_end(plane, array)
        check_ended(plane, machines, array, {loss.rank for loss in lost})


@EXAMPLES
@given(st.lists(st.floats(0.0, 4.0), min_size=1, max_size=4), st.data())
def test_a_launcher_killed_between_notice_and_successor_asks_for_one(
    pauses: list[float], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.integers(0, SIZE - 1), min_size=1))
    with a_plane() as plane, machines_of(plane, Habits(work=WORK)) as machines:
        array = launched(plane)
        for rank in lost:
            loss = Loss(rank, 0.0, by_queue=0.0, by_metadata=0.1, lead=LEAD.total_seconds())
            lose(plane, machines, loss)
        names = count(1)
        for pause in pauses:
            plane.run(pause)
            for replica in plane.living():
                plane.kill(replica)
            plane.start(f"again-{next(names)}")
        run_to_the_end(plane, array)
        check_ended(plane, machines, array, lost)
