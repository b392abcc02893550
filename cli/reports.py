"""What `status`, `list` and `launch` say of an array: records in, one object out."""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from cli.outcome import failed_members, has_succeeded, show_state
from spawn.contracts.arrays import Array
from spawn.contracts.checkpoints import CheckpointState
from spawn.contracts.clouds import CloudReport
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState
from spawn.contracts.prices import Estimate
from spawn.contracts.ranks import format_ranks

_PRESENT = {MemberState.RUNNING, MemberState.READY}


class MemberReport(msgspec.Struct, frozen=True, kw_only=True):
    """One member; what isn't known yet is null, and so is the end of what ends with its array.

    `power` is there while its machine is off.
    """

    rank: int
    generation: int = 0
    instance_id: InstanceId | None = None
    state: MemberState = MemberState.PENDING
    power: InstanceState | None = None
    private_ip: str | None = None
    market: str | None = None
    instance_type: str | None = None
    zone: str | None = None
    exit_code: int | None = None
    reason: str = ""
    checkpoint: CheckpointState | None = None
    checkpoint_reason: str = ""
    tail: str | None = None
    lease_until: datetime | None = None


class ArrayLine(msgspec.Struct, frozen=True, kw_only=True):
    """One array in a list; `ready` counts the members that run.

    `succeeded` is null until the job has ended; `failed_ranks` are those whose job failed so far,
    `stopped_ranks` those whose machines are off or go off.
    """

    array_id: ArrayId
    name: str
    state: str
    size: int
    ready: int
    region: str
    reason: str
    lease_until: datetime
    owner: str
    accepted_at: datetime
    succeeded: bool | None = None
    failed_ranks: str = ""
    stopped_ranks: str = ""

    @property
    def shown_state(self) -> str:
        """The state, how the job ended, and what is off: `finished (failed: ranks 3), stopped`."""
        shown = show_state(self.state, self.succeeded, self.failed_ranks)
        if not self.stopped_ranks:
            return shown
        return f"{shown}, {f'ranks {self.stopped_ranks} ' if self.ready else ''}stopped"


class ArrayReport(ArrayLine, frozen=True, kw_only=True):
    """One array; `members` has `size` entries, by rank.

    `cloud` is how the cloud saw it just now, and `cost` what its machines cost in an hour, where
    that was asked; `coming` is what will become of it, in words.
    """

    members: tuple[MemberReport, ...]
    cloud: CloudReport | None = None
    coming: tuple[str, ...] = ()
    cost: Estimate | None = None


class LaunchReport(ArrayReport, frozen=True, kw_only=True):
    """An array at the end of its launch: since it was asked for, and the AWS calls by API."""

    elapsed_seconds: float
    api_calls: dict[str, int]


def report_array(array: Array, members: Collection[Member]) -> ArrayReport:
    """Report an array and its members; ranks without a record are pending."""
    known = {member.rank: member for member in members}
    ranks = sorted({*range(array.size), *known})
    return ArrayReport(
        **msgspec.structs.asdict(line_of(array, members)),
        members=tuple(_report_member(rank, known.get(rank)) for rank in ranks),
    )


def with_tails(report: ArrayReport, tails: Mapping[int, list[str]]) -> ArrayReport:
    """Add what members printed last, by rank."""
    members = tuple(
        msgspec.structs.replace(each, tail="\n".join(tails[each.rank]))
        if each.rank in tails
        else each
        for each in report.members
    )
    return msgspec.structs.replace(report, members=members)


def report_launch(
    report: ArrayReport, *, elapsed_seconds: float, api_calls: dict[str, int]
) -> LaunchReport:
    """Add to a report what only the launch itself knows."""
    return LaunchReport(
        **msgspec.structs.asdict(report), elapsed_seconds=elapsed_seconds, api_calls=api_calls
    )


def line_of(array: Array, members: Collection[Member]) -> ArrayLine:
    """Report an array in one line."""
    return ArrayLine(
        array_id=array.id,
        name=array.name,
        state=array.state,
        size=array.size,
        ready=count_ready(members),
        region=array.region,
        reason=reason_of(array),
        lease_until=array.lease.until,
        owner=array.owner,
        accepted_at=array.accepted_at,
        succeeded=has_succeeded(array, members),
        failed_ranks=format_ranks(each.rank for each in failed_members(array, members)),
        stopped_ranks=format_ranks(each.rank for each in members if each.is_stopped),
    )


def count_ready(members: Collection[Member]) -> int:
    """Count the members whose instance runs."""
    return sum(map(_runs, members))


def _runs(member: Member) -> bool:
    """Say whether a member's machine runs, be it for a job that has ended."""
    if member.is_stopped:
        return False
    has_exited = member.state is MemberState.EXITED
    return member.state in _PRESENT or (
        has_exited and member.instance.state is InstanceState.RUNNING
    )


def reason_of(array: Array) -> str:
    """Say why the array is in its state, where that was recorded."""
    return array.reason or (array.ending.reason if array.ending else "")


def _report_member(rank: int, member: Member | None) -> MemberReport:
    if member is None:
        return MemberReport(rank=rank)
    instance = member.instance
    return MemberReport(
        rank=rank,
        generation=member.generation,
        instance_id=instance.id,
        state=member.state,
        power=instance.state if member.is_stopped else None,
        private_ip=instance.private_ip or None,
        market=instance.market,
        instance_type=instance.instance_type,
        zone=instance.zone,
        lease_until=member.lease.until if member.lease and not member.is_over else None,
        exit_code=member.exit_code,
        reason=member.reason,
        checkpoint=member.checkpoint.state if member.checkpoint else None,
        checkpoint_reason=member.checkpoint.reason if member.checkpoint else "",
    )
