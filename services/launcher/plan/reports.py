"""From what a machine reports to what its member's record must say."""

from datetime import datetime

from services.launcher.model import MemberChange
from services.launcher.plan.observation import rewrite
from spawn.contracts.arrays import Array
from spawn.contracts.events import MemberExited, MemberReady
from spawn.contracts.members import Member, MemberState
from spawn.contracts.reports import BootFailed, Hello, JobExited, Report

BOOT_FAILED = 70
"""Exit code of a member whose machine could not begin its job (sysexits.h: EX_SOFTWARE)."""

_LONGEST_REASON = 300
"""Characters of a reason that are kept: an array's record holds those of several members."""

_BEFORE_HELLO = frozenset({MemberState.LAUNCHED, MemberState.RUNNING})


def note_report(
    member: Member, report: Report, array: Array, *, now: datetime
) -> MemberChange | None:
    """Return the member's next record; None when the report says nothing new."""
    if report.generation != member.generation:
        return None
    match report:
        case Hello() if member.is_over:
            return None
        case Hello(facts=facts) if member.facts != facts or member.state in _BEFORE_HELLO:
            state = MemberState.READY if member.state in _BEFORE_HELLO else member.state
            data = MemberReady(
                rank=member.rank, generation=member.generation, instance_id=member.instance.id
            )
            newly = data if member.state in _BEFORE_HELLO else None
            hellos = member.hellos + 1
            return rewrite(member, array, now, data=newly, state=state, facts=facts, hellos=hellos)
        case JobExited(exit_code=code, restarts=restarts, reason=reason):
            return _exited(member, array, code, reason, restarts=restarts, now=now)
        case BootFailed(step=step, reason=reason):
            return _exited(member, array, BOOT_FAILED, f"{step}: {reason}", restarts=0, now=now)
        case _:
            return None


def _exited(  # noqa: PLR0913 - what a job's end consists of
    member: Member, array: Array, code: int, reason: str, *, restarts: int, now: datetime
) -> MemberChange | None:
    if member.state is MemberState.EXITED:
        return None
    data = MemberExited(rank=member.rank, generation=member.generation, exit_code=code)
    return rewrite(
        member,
        array,
        now,
        data=data,
        state=MemberState.EXITED,
        exit_code=code,
        restarts=restarts,
        reason=reason[:_LONGEST_REASON],
    )
