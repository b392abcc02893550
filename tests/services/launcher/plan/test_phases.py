"""Where the time of a launch goes."""

from datetime import timedelta

import pytest

from services.launcher.model import View
from services.launcher.plan.phases import Phase, begin, phase_of, split
from spawn.contracts.arrays import ArrayState
from spawn.contracts.members import MemberState
from tests.builders import NOON, a_member, an_array, an_ending, running
from tests.services.launcher.plan.views import a_view, with_intent

SECOND = timedelta(seconds=1)
ACCEPTED = a_view(an_array(2, state=ArrayState.ACCEPTED, chunks=(), placement=None))
WAITING = a_view(an_array(2))
BOOTING = a_view(an_array(2, chunks=()), [a_member(0), running(1)])
MEETING = a_view(an_array(2, chunks=()), [running(0), running(1)])
READY = a_view(an_array(2, state=ArrayState.READY, chunks=()), [running(0), running(1)])


@pytest.mark.parametrize(
    ("view", "phase"),
    [
        pytest.param(ACCEPTED, Phase.PLACING, id="nobody has looked where: placing"),
        pytest.param(WAITING, Phase.LAUNCHING, id="ranks wait: launching"),
        pytest.param(
            a_view(with_intent(an_array(2))), Phase.LAUNCHING, id="a call is open: launching"
        ),
        pytest.param(BOOTING, Phase.BOOTING, id="an instance does not run yet: booting"),
        pytest.param(MEETING, Phase.MEETING, id="all run: meeting"),
        pytest.param(
            a_view(an_array(1, chunks=()), [a_member(0, state=MemberState.LOST)]),
            Phase.MEETING,
            id="what is lost boots no more: meeting",
        ),
        pytest.param(READY, None, id="ready: none"),
        pytest.param(a_view(an_array(2, ending=an_ending())), None, id="being ended: none"),
    ],
)
def test_the_phase_of_a_launch(view: View, phase: Phase | None) -> None:
    assert phase_of(view) is phase


def test_each_phase_gets_the_time_between_the_looks_that_began_in_it() -> None:
    splits = begin(at(1, ACCEPTED))
    assert splits is not None
    looks = ((3, WAITING), (4, WAITING), (9, BOOTING), (10, WAITING), (12, MEETING), (13, READY))
    for second, view in looks:
        splits = split(splits, at(second, view))
    assert splits.spent == {
        Phase.PLACING: 3 * SECOND,
        Phase.LAUNCHING: 8 * SECOND,
        Phase.BOOTING: SECOND,
        Phase.MEETING: SECOND,
    }


def test_a_launch_that_was_taken_over_is_not_timed() -> None:
    assert begin(WAITING) is None


def at(second: int, view: View) -> View:
    return a_view(view.array, view.members.values(), now=NOON + second * SECOND)
