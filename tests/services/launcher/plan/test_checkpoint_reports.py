from datetime import timedelta

import msgspec
import pytest

from services.launcher.plan.reports import note_report
from spawn.contracts.checkpoints import Checkpoint, CheckpointCause, CheckpointState
from spawn.contracts.events import (
    CheckpointFailed,
    CheckpointFinished,
    CheckpointStarted,
    CheckpointWarned,
)
from spawn.contracts.members import Member
from spawn.contracts.reports import (
    CheckpointBegun,
    CheckpointDone,
    CheckpointLost,
    CheckpointUnready,
    Report,
)
from tests.builders import NOON, an_array, running

BEGUN = CheckpointBegun(generation=0, at=NOON, sha256="a" * 64, request_id="r1")
DONE = CheckpointDone(generation=0, at=NOON + timedelta(seconds=9), seconds=9.0, tail="secret\n")
LOST = CheckpointLost(generation=0, at=NOON, seconds=2.0, reason="exit code 1", tail="secret\n")
UNREADY = CheckpointUnready(generation=0, at=NOON, reason="s3://bucket/save.sh: 404")


def after(member: Member, *reports: Report) -> Member:
    """Return the member's record once all of that is noted, each of it news."""
    for report in reports:
        change = note_report(member, report, an_array(), now=NOON)
        assert change is not None
        member = change.member
    return member


@pytest.mark.parametrize(
    ("report", "kind", "state"),
    [
        pytest.param(UNREADY, CheckpointWarned, CheckpointState.WARNED, id="warned"),
        pytest.param(BEGUN, CheckpointStarted, CheckpointState.STARTED, id="started"),
        pytest.param(DONE, CheckpointFinished, CheckpointState.FINISHED, id="finished"),
        pytest.param(LOST, CheckpointFailed, CheckpointState.FAILED, id="failed"),
    ],
)
def test_a_report_is_recorded_and_told(
    report: Report, kind: type[object], state: CheckpointState
) -> None:
    member = after(running(0), report)
    assert member.checkpoint is not None
    assert (member.checkpoint.state, member.state) == (state, running(0).state)
    (event,) = member.outbox
    assert isinstance(event.data, kind)
    assert b"secret" not in msgspec.json.encode(event)


def test_an_event_says_for_whom_and_what_it_was() -> None:
    (event,) = after(running(0), BEGUN).outbox
    assert isinstance(event.data, CheckpointStarted)
    assert (event.data.cause, event.data.request_id) == (CheckpointCause.INTERRUPTION, "r1")


def test_what_is_known_is_no_news() -> None:
    member = after(running(0), BEGUN)
    assert note_report(member, BEGUN, an_array(), now=NOON) is None
    member = after(member, DONE)
    assert note_report(member, DONE, an_array(), now=NOON) is None
    assert note_report(member, BEGUN, an_array(), now=NOON) is None


def test_an_earlier_machine_is_heard_without_a_word_about_its_successor() -> None:
    known = Checkpoint(generation=1, state=CheckpointState.WARNED, at=NOON, reason="404")
    successor = msgspec.structs.replace(running(0), generation=1, checkpoint=known)
    member = after(successor, DONE)
    assert member.checkpoint == known
    (event,) = member.outbox
    assert isinstance(event.data, CheckpointFinished)
    assert event.data.generation == 0


def test_a_machine_that_was_never_a_member_is_not_heard() -> None:
    report = msgspec.structs.replace(DONE, generation=7)
    assert note_report(running(0), report, an_array(), now=NOON) is None
