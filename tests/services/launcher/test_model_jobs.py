"""Launches whose machines have something to run: from hello to the outcome, over one replica."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from services.launcher.handlers.rendezvous import on_report
from spawn.bus.ports import Reported
from spawn.contracts.arrays import ArrayState
from spawn.contracts.assignments import tell_all_subject
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import OnMemberFailure, WaitFor
from spawn.contracts.members import Facts, MemberState
from spawn.contracts.reports import Hello, JobExited, Report
from tests.services.launcher.model.plane import AGENT, GRANT, Plane, Replica
from tests.services.launcher.model.truths import living_of

A_WHILE = 20.0


@pytest.fixture
def plane() -> Generator[Plane]:
    plane = Plane()
    plane.start()
    yield plane
    assert plane.failures == []
    plane.close()


def say(plane: Plane, array: ArrayId, rank: int, report: Report, *, by: int = 0) -> None:
    """Have a replica hear what the machine of a rank says."""
    member = plane.members(array)[rank]
    said = Reported(report=report, array_id=array, instance_id=member.instance.id, sequence=1)
    replica: Replica = plane.replicas[by]
    plane.loop.run_until_complete(on_report(said, replica.world))
    plane.run(0.5)


def hello(plane: Plane) -> Hello:
    return Hello(
        generation=0, at=plane.clock.now(), boot_id="b", agent_version="1", facts=Facts(slots=2)
    )


def exited(plane: Plane, code: int = 0) -> JobExited:
    return JobExited(generation=0, at=plane.clock.now(), exit_code=code)


def launched(plane: Plane, count: int = 3, **spec: Any) -> ArrayId:
    array = plane.launch(count=count, command="true", **spec)
    plane.run(A_WHILE)
    return array


def greet(plane: Plane, array: ArrayId) -> None:
    for member in plane.members(array):
        say(plane, array, member.rank, hello(plane))


def names(plane: Plane, array: ArrayId) -> list[str]:
    return [event.name for event in plane.told(array) if event.name.startswith("array.")]


def reclaim(plane: Plane, array: ArrayId, *ranks: int) -> None:
    held = plane.members(array)
    for rank in ranks:
        plane.ec2.reclaim(held[rank].instance.id, "Client.InstanceInitiatedShutdown")


def test_machines_boot_with_the_agent_and_the_empty_grant(plane: Plane) -> None:
    array = launched(plane)
    for machine in living_of(plane, array):
        assert AGENT.sha256 in machine.request.user_data
        assert f"array={array}" in machine.request.user_data
        assert machine.request.instance_profile == GRANT.profile
    assert plane.aws.s3("us-east-1").counted["PutObject"] == 1


def test_peers_are_told_once_when_the_last_machine_has_said_hello(plane: Plane) -> None:
    array = launched(plane)
    say(plane, array, 0, hello(plane))
    say(plane, array, 2, hello(plane))
    assert plane.bus.tells == []
    say(plane, array, 1, hello(plane))
    plane.run(A_WHILE)
    assert [(to, tell.what) for to, tell in plane.bus.tells] == [
        (tell_all_subject(array), "peers")
    ]


def test_an_array_that_waits_for_agents_is_ready_with_the_last_hello(plane: Plane) -> None:
    array = launched(plane, wait_for=WaitFor.AGENT)
    assert plane.state(array) is ArrayState.LAUNCHING
    greet(plane, array)
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.READY


@pytest.mark.parametrize(("code", "last"), [(0, "exited with 0"), (3, "rank 1: exited with 3")])
def test_machines_that_go_away_after_their_jobs_end_a_finished_array(
    plane: Plane, code: int, last: str
) -> None:
    array = launched(plane)
    greet(plane, array)
    for rank in range(3):
        say(plane, array, rank, exited(plane, code if rank == 1 else 0))
        reclaim(plane, array, rank)
    plane.run(60.0)
    assert names(plane, array)[-3:] == ["array.ready", "array.finished", "array.terminated"]
    record = plane.array(array)
    assert record is not None
    assert (record.state, last in record.reason) == (ArrayState.TERMINATED, True)
    assert [each.state for each in plane.members(array)] == [MemberState.EXITED] * 3


def test_machines_that_end_themselves_are_seen_to_be_gone_within_seconds(plane: Plane) -> None:
    array = launched(plane)
    greet(plane, array)
    for rank in range(3):
        say(plane, array, rank, exited(plane))
    # Long enough that nobody asks for them at every look any more.
    plane.run(A_WHILE)
    reclaim(plane, array, 0, 1, 2)
    plane.run(7.0)
    assert plane.state(array) is ArrayState.TERMINATED


def test_a_machine_that_is_gone_before_its_exit_is_heard_has_still_exited(plane: Plane) -> None:
    array = launched(plane, count=2)
    greet(plane, array)
    reclaim(plane, array, 0)
    plane.run(60.0)
    assert plane.state(array) is ArrayState.DEGRADED
    say(plane, array, 0, exited(plane))
    say(plane, array, 1, exited(plane))
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.FINISHED
    (finished,) = [each for each in plane.told(array) if each.name == "array.finished"]
    assert getattr(finished.data, "succeeded", None) is True


def test_the_first_failure_ends_the_others_where_that_is_wanted(plane: Plane) -> None:
    array = launched(plane, on_member_failure=OnMemberFailure.FAIL_ARRAY)
    greet(plane, array)
    say(plane, array, 1, exited(plane, 3))
    plane.run(60.0)
    assert plane.state(array) is ArrayState.FAILED
    assert names(plane, array)[-2:] == ["array.finished", "array.failed"]
    assert living_of(plane, array) == []


def test_a_job_that_waits_for_a_machine_that_is_lost_is_given_up(plane: Plane) -> None:
    array = launched(plane)
    say(plane, array, 0, hello(plane))
    reclaim(plane, array, 2)
    plane.run(90.0)
    record = plane.array(array)
    assert record is not None
    assert record.state is ArrayState.FAILED
    assert "ranks 2 are lost" in record.reason
    assert living_of(plane, array) == []


def test_two_replicas_record_what_they_both_hear_once(plane: Plane) -> None:
    plane.start("b")
    array = launched(plane)
    for rank in range(3):
        for by in (0, 1):
            say(plane, array, rank, hello(plane), by=by)
            say(plane, array, rank, exited(plane), by=by)
    plane.run(A_WHILE)
    told = [each.name for each in plane.told(array)]
    assert (told.count("member.ready"), told.count("member.exited")) == (3, 3)
    assert told.count("array.finished") == 1


def test_another_replica_forgets_the_job_of_an_array_that_is_over(plane: Plane) -> None:
    other = plane.start("b")
    array = launched(plane, ttl="2m")
    other.world.memory.jobs[array] = plane.loop.run_until_complete(
        other.world.stores.specs.get(array)
    ).value
    plane.run(timedelta(minutes=4).total_seconds())
    assert plane.state(array) is ArrayState.TERMINATED
    assert array not in other.world.memory.jobs
