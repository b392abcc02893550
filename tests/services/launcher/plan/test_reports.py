import msgspec
import pytest

from services.launcher.plan.reports import BOOT_FAILED, INTERRUPTED, note_report
from spawn.contracts.events import MemberExited, MemberReady
from spawn.contracts.members import Facts, Member, MemberState
from spawn.contracts.reports import BootFailed, Heartbeat, Hello, JobExited, Report
from tests.builders import NOON, a_member, an_array, lost, running

FACTS = Facts(hostname="ip-10-0-0-1")
HELLO = Hello(generation=0, at=NOON, boot_id="b", agent_version="1", facts=FACTS)
EXITED = JobExited(generation=0, at=NOON, exit_code=3, restarts=1, reason="")
READY = msgspec.structs.replace(running(0), state=MemberState.READY, facts=FACTS)


@pytest.mark.parametrize("member", [a_member(0), running(0)], ids=["launched", "running"])
def test_a_hello_makes_a_member_ready_and_says_so(member: Member) -> None:
    change = note_report(member, HELLO, an_array(), now=NOON)
    assert change is not None
    assert (change.member.state, change.member.facts) == (MemberState.READY, FACTS)
    assert change.member.version == member.version + 1
    (event,) = change.member.outbox
    assert isinstance(event.data, MemberReady)


def test_the_same_hello_again_says_nothing_new() -> None:
    assert note_report(READY, HELLO, an_array(), now=NOON) is None


def test_a_hello_with_other_facts_is_kept_without_another_event() -> None:
    hello = msgspec.structs.replace(HELLO, facts=Facts(hostname="other"))
    change = note_report(READY, hello, an_array(), now=NOON)
    assert change is not None
    assert (change.member.facts, change.member.outbox) == (hello.facts, ())


def test_a_late_hello_does_not_undo_an_exit() -> None:
    exited = msgspec.structs.replace(running(0), state=MemberState.EXITED, exit_code=0)
    change = note_report(exited, HELLO, an_array(), now=NOON)
    assert change is not None
    assert (change.member.state, change.member.outbox) == (MemberState.EXITED, ())


def test_an_exit_is_recorded_with_its_code() -> None:
    change = note_report(READY, EXITED, an_array(), now=NOON)
    assert change is not None
    member = change.member
    assert (member.state, member.exit_code, member.restarts) == (MemberState.EXITED, 3, 1)
    (event,) = member.outbox
    assert isinstance(event.data, MemberExited)
    assert event.data.exit_code == 3


@pytest.mark.parametrize(
    "member",
    [lost(0), msgspec.structs.replace(READY, state=MemberState.EXITED, exit_code=0)],
    ids=["lost", "exited"],
)
def test_an_end_for_a_notice_changes_nothing_of_who_is_done(member: Member) -> None:
    array = an_array()
    replaced = msgspec.structs.replace(
        array, spec=msgspec.structs.replace(array.spec, spot=True, replace=True)
    )
    interrupted = msgspec.structs.replace(EXITED, interrupted=True)
    assert note_report(member, interrupted, replaced, now=NOON) is None
    change = note_report(READY, interrupted, replaced, now=NOON)
    assert change is not None
    assert (change.member.state, change.member.reason) == (MemberState.LOST, INTERRUPTED)


def test_an_exit_that_comes_after_the_machine_is_gone_still_counts() -> None:
    change = note_report(lost(0), EXITED, an_array(), now=NOON)
    assert change is not None
    assert (change.member.state, change.member.exit_code) == (MemberState.EXITED, 3)


def test_a_second_exit_says_nothing_new() -> None:
    exited = msgspec.structs.replace(READY, state=MemberState.EXITED, exit_code=0)
    assert note_report(exited, EXITED, an_array(), now=NOON) is None


def test_a_machine_that_could_not_begin_has_failed() -> None:
    report = BootFailed(generation=0, at=NOON, step="boot script", reason="exited with 1")
    change = note_report(running(0), report, an_array(), now=NOON)
    assert change is not None
    assert change.member.exit_code == BOOT_FAILED
    assert change.member.reason == "boot script: exited with 1"


@pytest.mark.parametrize(
    ("member", "report"),
    [
        pytest.param(lost(0), HELLO, id="a hello of a machine that is gone"),
        pytest.param(
            READY, msgspec.structs.replace(EXITED, generation=1), id="of another generation"
        ),
        pytest.param(READY, Heartbeat(generation=0, at=NOON, window_seconds=60), id="a heartbeat"),
    ],
)
def test_what_changes_no_record(member: Member, report: Report) -> None:
    assert note_report(member, report, an_array(), now=NOON) is None
