from typing import Any

import msgspec
import pytest

from services.launcher.model import Write
from services.launcher.plan.outcome import MOST_EXIT_CODES, explain_exits, judge_job
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import ArrayFinished
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import Digest, OnMemberFailure
from spawn.contracts.members import Member, MemberState
from tests.builders import an_array, an_instance, lost, running
from tests.services.launcher.plan.views import a_view


def exited(rank: int, code: int, reason: str = "") -> Member:
    return running(rank, state=MemberState.EXITED, exit_code=code, reason=reason)


def at_work(policy: OnMemberFailure = OnMemberFailure.CONTINUE, size: int = 2) -> Array:
    array = an_array(size=size, chunks=(), state=ArrayState.READY, command=Digest(4, "0" * 64))
    spec = msgspec.structs.replace(array.spec, on_member_failure=policy)
    return msgspec.structs.replace(array, spec=spec)


def judged(array: Array, *members: Member) -> tuple[Array, ArrayFinished]:
    write = judge_job(a_view(array, members))
    assert isinstance(write, Write)
    (event,) = write.array.outbox
    assert isinstance(event.data, ArrayFinished)
    return write.array, event.data


def test_a_job_goes_on_while_one_member_works() -> None:
    assert judge_job(a_view(at_work(), (exited(0, 3), running(1)))) is None


def test_a_job_succeeds_when_every_member_exits_with_0() -> None:
    array, data = judged(at_work(), exited(0, 0), exited(1, 0))
    assert (array.state, array.ending) == (ArrayState.FINISHED, None)
    assert (data.succeeded, data.failed_ranks, data.exit_codes) == (True, "", {})


def test_a_job_fails_with_the_ranks_and_codes_that_did() -> None:
    array, data = judged(at_work(size=3), exited(0, 0), exited(1, 3), lost(2))
    assert array.state is ArrayState.FINISHED
    assert (data.succeeded, data.failed_ranks, data.exit_codes) == (False, "1-2", {"1": 3})
    assert array.reason == "rank 1: exited with 3; rank 2: gone"


def test_the_first_failure_ends_an_array_that_wants_it_so() -> None:
    array, data = judged(at_work(OnMemberFailure.FAIL_ARRAY), exited(0, 3), running(1))
    assert (array.state, data.succeeded) == (ArrayState.TERMINATING, False)
    assert array.ending is not None
    assert (array.ending.state, array.ending.code) == (ArrayState.FAILED, "member-failed")


def test_an_event_lists_so_many_exit_codes_and_all_ranks() -> None:
    size = MOST_EXIT_CODES + 20
    members = [exited(rank, 1) for rank in range(size)]
    _, data = judged(at_work(size=size), *members)
    assert len(data.exit_codes) == MOST_EXIT_CODES
    assert data.failed_ranks == f"0-{size - 1}"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([exited(0, 3)], "rank 0: exited with 3", id="a code"),
        pytest.param(
            [exited(0, 137, "over its time")], "rank 0: exited with 137 (over its time)", id="why"
        ),
        pytest.param([lost(1)], "rank 1: gone", id="lost"),
        pytest.param([lost(1, reason="")], "rank 1: lost", id="lost without a reason"),
    ],
)
def test_failures_are_explained(members: list[Member], expected: str) -> None:
    assert explain_exits(members) == expected


def test_the_first_ten_failures_are_explained_one_by_one() -> None:
    assert explain_exits([exited(rank, 1) for rank in range(12)]).endswith("; and 2 more")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"starts": 1}, id="it was stopped, and started again"),
        pytest.param({"instance": an_instance(0, state=InstanceState.STOPPED)}, id="it is off"),
    ],
)
def test_a_job_that_ended_with_a_stop_of_its_machine_does_not_end_the_array(
    changes: dict[str, Any],
) -> None:
    array = at_work(OnMemberFailure.FAIL_ARRAY)
    stopped = msgspec.structs.replace(exited(0, 143), **changes)
    assert judge_job(a_view(array, (stopped, running(1)))) is None
