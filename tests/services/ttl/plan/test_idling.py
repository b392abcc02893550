"""What is seen of the machines of an array whose idleness counts."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.ttl.model import Idling
from services.ttl.plan.idle import Course
from services.ttl.plan.idling import see
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import IdleScope
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import Facts, Member, MemberState
from spawn.contracts.reports import Heartbeat
from tests.builders import ARRAY_ID, NOON, an_instance, running

IDLING = Idling(
    array_id=ARRAY_ID,
    timeout=timedelta(minutes=10),
    action=LeaseAction.STOP,
    scope=IdleScope.ARRAY,
    has_job=False,
    is_settled=True,
)
COURSE = Course(
    beat=Heartbeat(generation=0, at=NOON, window_seconds=60), heard_at=NOON, work="", windows=1
)
COURSES = {an_instance(rank).id: COURSE for rank in range(3)}


def there(rank: int = 0, **changes: Any) -> Member:
    """Return a member that runs and has said hello."""
    return running(rank, **{"facts": Facts(), **changes})


def in_state(rank: int, state: InstanceState) -> Member:
    return there(rank, instance=an_instance(rank, state=state))


@pytest.mark.parametrize(
    ("other", "ranks"),
    [
        pytest.param(in_state(1, InstanceState.RUNNING), {0, 1, 2}, id="it runs"),
        pytest.param(in_state(1, InstanceState.PENDING), {0, 1, 2}, id="it begins to"),
        pytest.param(in_state(1, InstanceState.STOPPED), {0, 2}, id="it is off"),
        pytest.param(in_state(1, InstanceState.SHUTTING_DOWN), {0, 2}, id="it goes"),
        pytest.param(there(1, ending="its lease is over"), {0, 2}, id="it is being ended"),
    ],
)
def test_only_machines_that_run_are_looked_at(other: Member, ranks: set[int]) -> None:
    assert set(see(IDLING, [there(0), other, there(2)], COURSES)) == ranks


@pytest.mark.parametrize(
    ("changes", "member", "seen"),
    [
        pytest.param({}, there(), COURSE, id="its heartbeats say"),
        pytest.param({}, there(7), "no heartbeat yet", id="none was heard"),
        pytest.param(
            {"is_settled": False}, there(), "the array is being launched", id="others are to come"
        ),
        pytest.param({}, there(facts=None), "it is starting", id="it has not said hello"),
        pytest.param({"has_job": True}, there(), "its job has not ended", id="it has a job"),
        pytest.param(
            {"has_job": True},
            there(state=MemberState.EXITED, exit_code=0),
            COURSE,
            id="its job has ended",
        ),
    ],
)
def test_what_is_to_come_counts_as_work(
    changes: dict[str, Any], member: Member, seen: Course | str
) -> None:
    idling = msgspec.structs.replace(IDLING, **changes)
    assert see(idling, [member], COURSES) == {member.rank: seen}
