"""What is said of an array."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cli.reports import line_of, report_array, report_launch
from spawn.contracts.arrays import ArrayState, Ending
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState
from tests.cli.builders import make_array, make_member
from tests.fakes.cli_launcher import NOON, instance_of

MEMBERS = st.lists(
    st.builds(make_member, st.integers(0, 9), st.sampled_from(MemberState)),
    unique_by=lambda member: member.rank,
)


@given(MEMBERS, st.integers(1, 10))
def test_members_have_an_entry_for_each_rank_in_order(members: list[Member], size: int) -> None:
    report = report_array(make_array(size=size), members)
    ranks = [member.rank for member in report.members]
    assert ranks == sorted({*range(size), *(member.rank for member in members)})
    present = ("running", "ready", "exited")
    assert report.ready == sum(member.state in present for member in report.members)
    assert line_of(make_array(size=size), members).ready == report.ready


def test_a_member_whose_machine_is_gone_does_not_run() -> None:
    gone = msgspec.structs.replace(
        make_member(0, MemberState.EXITED), instance=instance_of(0, InstanceState.TERMINATED)
    )
    assert report_array(make_array(), [gone]).ready == 0


def test_the_reason_of_an_ending_is_told() -> None:
    ending = Ending(state=ArrayState.FAILED, reason="no capacity", at=NOON)
    assert report_array(make_array(ending=ending), []).reason == "no capacity"
    assert report_array(make_array(reason="lost 3", ending=ending), []).reason == "lost 3"


def test_a_launch_is_reported_as_status_is_with_two_more_fields() -> None:
    report = report_array(make_array(), [make_member(1)])
    launch = report_launch(report, elapsed_seconds=1.5, api_calls={"RunInstances": 1})
    status = msgspec.to_builtins(report)
    assert msgspec.to_builtins(launch) == {
        **status,
        "elapsed_seconds": 1.5,
        "api_calls": {"RunInstances": 1},
    }
