"""From what a machine reports to what its member's record must say."""

from datetime import datetime

import msgspec

from services.launcher.model import MemberChange
from services.launcher.plan.checkpoint_reports import Said, note_checkpoint
from services.launcher.plan.observation import rewrite
from spawn.contracts.arrays import Array
from spawn.contracts.events import MemberExited, MemberReady
from spawn.contracts.members import Facts, Former, Member, MemberState
from spawn.contracts.reports import BootFailed, Hello, JobExited, Report

BOOT_FAILED = 70
"""Exit code of a member whose machine could not begin its job (sysexits.h: EX_SOFTWARE)."""

_LONGEST_REASON = 300
"""Characters of a reason that are kept: an array's record holds those of several members."""

INTERRUPTED = "interrupted"
"""Why a member is lost whose machine has ended its job for a notice."""

_BEFORE_HELLO = frozenset({MemberState.LAUNCHED, MemberState.RUNNING})


def note_report(
    member: Member, report: Report, array: Array, *, now: datetime
) -> MemberChange | None:
    """Return the member's next record; None when the report says nothing new."""
    if isinstance(report, Said):
        return note_checkpoint(member, report, array, now=now)
    if report.generation != member.generation:
        return _note_former(member, report, array, now=now)
    match report:
        case Hello(facts=facts) if _is_news(member, facts):
            state = MemberState.READY if member.state in _BEFORE_HELLO else member.state
            data = MemberReady(
                rank=member.rank, generation=member.generation, instance_id=member.instance.id
            )
            newly = data if member.state in _BEFORE_HELLO else None
            hellos = member.hellos + 1
            return rewrite(member, array, now, data=newly, state=state, facts=facts, hellos=hellos)
        case JobExited() as exited:
            return _note_exit(member, exited, array, now=now)
        case BootFailed(step=step, reason=reason):
            return _exited(member, array, BOOT_FAILED, f"{step}: {reason}", restarts=0, now=now)
        case _:
            return None


def _note_exit(
    member: Member, exited: JobExited, array: Array, *, now: datetime
) -> MemberChange | None:
    if exited.interrupted and array.replaces:
        if member.is_done:
            return None
        return rewrite(member, array, now, state=MemberState.LOST, reason=INTERRUPTED)
    return _exited(
        member, array, exited.exit_code, exited.reason, restarts=exited.restarts, now=now
    )


def _is_news(member: Member, facts: Facts) -> bool:
    return not member.is_over and (member.facts != facts or member.state in _BEFORE_HELLO)


def _note_former(
    member: Member, report: Report, array: Array, *, now: datetime
) -> MemberChange | None:
    """Note that the job of an earlier instance is over; its own end is that of the rank."""
    is_end = isinstance(report, JobExited | BootFailed)
    if not is_end or not any(
        _is_of(each, report) and not each.job_over for each in member.formers
    ):
        return None
    formers = tuple(
        msgspec.structs.replace(each, job_over=True, since=now) if _is_of(each, report) else each
        for each in member.formers
    )
    if not isinstance(report, JobExited) or report.interrupted or member.is_done:
        return rewrite(member, array, now, formers=formers)
    # The successor's job has not begun, for it waited for this: there is nothing left to do.
    return rewrite(
        member,
        array,
        now,
        data=MemberExited(
            rank=member.rank, generation=report.generation, exit_code=report.exit_code
        ),
        state=MemberState.EXITED,
        exit_code=report.exit_code,
        restarts=report.restarts,
        reason=report.reason[:_LONGEST_REASON],
        formers=formers,
        surplus=True,
    )


def _is_of(former: Former, report: Report) -> bool:
    return former.generation == report.generation


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
