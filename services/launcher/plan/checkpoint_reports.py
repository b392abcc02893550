"""From what a machine reports of its checkpoint to its member's record, and to events."""

from datetime import datetime
from typing import assert_never

from services.launcher.model import MemberChange
from services.launcher.plan.observation import rewrite
from spawn.contracts.arrays import Array
from spawn.contracts.checkpoints import Checkpoint, CheckpointState
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
)

LONGEST_REASON = 300
"""Characters of a reason that are kept."""

CheckpointData = CheckpointWarned | CheckpointStarted | CheckpointFinished | CheckpointFailed
Said = CheckpointUnready | CheckpointBegun | CheckpointDone | CheckpointLost


def note_checkpoint(
    member: Member, report: Said, array: Array, *, now: datetime
) -> MemberChange | None:
    """Return the member's next record; None when the report says nothing new.

    An earlier machine of the rank is heard, too: what it saves is what its successor begins with.
    """
    state, data = _told(member, report)
    checkpoint = Checkpoint(
        generation=report.generation,
        state=state,
        at=report.at,
        seconds=getattr(report, "seconds", 0.0),
        reason=data.reason,
    )
    known = member.checkpoint
    if report.generation > member.generation:
        return None
    if known is None or checkpoint.generation > known.generation:
        return rewrite(member, array, now, data=data, checkpoint=checkpoint)
    if checkpoint.generation < known.generation:
        # The record tells of the rank's newest machine; the fact is told all the same.
        return rewrite(member, array, now, data=data)
    if (known.at, known.state) == (checkpoint.at, checkpoint.state) or known.at > checkpoint.at:
        return None
    return rewrite(member, array, now, data=data, checkpoint=checkpoint)


def _told(member: Member, report: Said) -> tuple[CheckpointState, CheckpointData]:
    """Return the state that a report puts a checkpoint into, and the event that it is."""
    rank, generation = member.rank, report.generation
    if isinstance(report, CheckpointUnready):
        reason = report.reason[:LONGEST_REASON]
        event = CheckpointWarned(rank=rank, generation=generation, reason=reason)
        return CheckpointState.WARNED, event
    cause, request_id = report.cause.value, report.request_id
    match report:
        case CheckpointBegun():
            return CheckpointState.STARTED, CheckpointStarted(
                rank=rank, generation=generation, cause=cause, request_id=request_id
            )
        case CheckpointDone(seconds=seconds):
            return CheckpointState.FINISHED, CheckpointFinished(
                rank=rank,
                generation=generation,
                cause=cause,
                request_id=request_id,
                seconds=seconds,
            )
        case CheckpointLost(seconds=seconds, reason=reason):
            return CheckpointState.FAILED, CheckpointFailed(
                rank=rank,
                generation=generation,
                cause=cause,
                request_id=request_id,
                seconds=seconds,
                reason=reason[:LONGEST_REASON],
            )
        case _:
            assert_never(report)
