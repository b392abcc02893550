"""How a job has ended, from its records."""

import msgspec
import pytest

from cli.exits import Usage
from cli.outcome import explain_failures, failed_members, has_succeeded, show_state
from cli.targets import check_ranks, member_at, split_target
from spawn.contracts.arrays import ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import digest
from spawn.contracts.members import Member, MemberState
from spawn.errors import NotFound
from tests.cli.builders import make_array, make_member
from tests.fakes.cli_launcher import instance_of

JOB = digest("./job")


def exited(rank: int, code: int | None, *, reason: str = "") -> Member:
    member = make_member(rank, MemberState.EXITED)
    return msgspec.structs.replace(member, exit_code=code, reason=reason)


def lost(rank: int) -> Member:
    member = make_member(rank, MemberState.LOST)
    return msgspec.structs.replace(member, instance=instance_of(rank, InstanceState.TERMINATED))


@pytest.mark.parametrize(
    ("state", "members", "succeeded", "failed"),
    [
        pytest.param("finished", [exited(0, 0), exited(1, 0)], True, [], id="all exited with 0"),
        pytest.param("terminated", [exited(0, 0)], True, [], id="and were ended since"),
        pytest.param("finished", [exited(1, 3), exited(0, 0)], False, [1], id="one failed"),
        pytest.param("finished", [lost(1), exited(0, 2)], False, [0, 1], id="one is lost"),
        pytest.param("ready", [exited(0, 3), make_member(1)], None, [0], id="not ended yet"),
        pytest.param("terminated", [exited(0, None)], None, [], id="ended before its exit"),
        pytest.param("failed", [], None, [], id="never began"),
    ],
)
def test_how_a_job_ended(
    state: str, members: list[Member], succeeded: bool | None, failed: list[int]
) -> None:
    array = make_array(state=ArrayState(state), command=JOB)
    assert has_succeeded(array, members) is succeeded
    assert [member.rank for member in failed_members(array, members)] == failed


def test_without_a_job_nothing_fails_or_succeeds() -> None:
    array = make_array(state=ArrayState.TERMINATED)
    assert has_succeeded(array, [exited(0, 0)]) is None
    assert failed_members(array, [lost(0)]) == []


def test_failures_are_told_one_by_one_and_then_counted() -> None:
    members = [
        exited(0, 3, reason="ended after 1h"),
        lost(1),
        *(exited(n, 1) for n in range(2, 8)),
    ]
    told = explain_failures("web", members)
    assert told.startswith("web-0 exited with 3 (ended after 1h); web-1 is lost; web-2 exited")
    assert told.endswith("web-4 exited with 1; and 3 more")


def test_a_reason_that_only_repeats_the_code_is_left_out() -> None:
    failed = [exited(0, 3, reason="command: exit code 3")]
    assert explain_failures("web", failed) == "web-0 exited with 3"


def test_a_state_tells_how_the_job_ended() -> None:
    assert show_state("finished", True, "") == "finished (succeeded)"
    assert show_state("finished", False, "3,5-7") == "finished (failed: ranks 3,5-7)"
    assert show_state("ready", None, "") == "ready"


def test_members_are_named_behind_a_colon() -> None:
    assert split_target("web") == ("web", ())
    assert split_target("web:0,3-5") == ("web", (0, 3, 4, 5))
    with pytest.raises(Usage, match="web:x: 'x' is not a set of ranks"):
        split_target("web:x")


def test_a_rank_that_is_not_there_is_told() -> None:
    check_ranks("web", 3, (0, 2))
    with pytest.raises(NotFound, match="web has ranks 0-2, and no 3-4"):
        check_ranks("web", 3, (2, 3, 4))
    assert member_at("web", [make_member(1)], 1).rank == 1
    with pytest.raises(NotFound, match="web-1 has no machine"):
        member_at("web", [lost(1)], 1)
