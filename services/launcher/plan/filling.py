"""From the instances that a call has made to the records of the members that they fill."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from services.launcher.plan.settlement import member_event
from spawn.contracts.arrays import Array, Intent
from spawn.contracts.events import Data, InstanceLaunched, MemberReplaced
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.members import Former, Member, MemberState
from spawn.contracts.ranks import parse_ranks


def ranks_of(intent: Intent, made: Iterable[Described]) -> dict[int, Described]:
    """Give each instance its rank: its launch index counts into the chunk's ranks."""
    ranks = parse_ranks(intent.chunk.ranks)
    return {ranks[each.launch_index]: each for each in made}


def members_of(
    array: Array,
    intent: Intent,
    made: Iterable[Described],
    known: Mapping[int, Member],
    *,
    now: datetime,
) -> tuple[Member, ...]:
    """Make the records of new instances, which supersede those of ended or older ones.

    A rank that is recorded with a living instance is left as it is, but for a successor's.
    """
    members: list[Member] = []
    for rank, described in sorted(ranks_of(intent, made).items()):
        holder = known.get(rank)
        if holder is None or _supersedes(intent, described.instance, holder):
            members.append(_new_member(array, intent, described.instance, rank, holder, now))
    return tuple(members)


def _supersedes(intent: Intent, instance: Instance, holder: Member) -> bool:
    if instance.id in {each.id for each in holder.instances}:
        return False
    succeeds = intent.chunk.is_succession and intent.chunk.generation > holder.generation
    return holder.is_over or succeeds


def _new_member(  # noqa: PLR0913 - one record, made of what each of these alone knows
    array: Array,
    intent: Intent,
    instance: Instance,
    rank: int,
    holder: Member | None,
    now: datetime,
) -> Member:
    member = Member(
        array_id=array.id,
        rank=rank,
        generation=max(intent.chunk.generation, holder.generation + 1 if holder else 0),
        version=holder.version + 1 if holder else 1,
        state=MemberState.LAUNCHED,
        instance=instance,
        changed_at=now,
        hellos=holder.hellos if holder else 0,
        lease=holder.lease if holder else None,
        # Its tag is as old as the request for it.
        retag=holder is not None and holder.lease is not None,
        ending=holder.ending if holder else "",
        formers=_formers(holder, now) if holder else (),
    )
    if holder is not None and _has_ended_well(holder):
        member = msgspec.structs.replace(
            member,
            state=holder.state,
            exit_code=holder.exit_code,
            restarts=holder.restarts,
            reason=holder.reason,
            surplus=True,
        )
    data: list[Data] = [
        InstanceLaunched(
            rank=rank,
            generation=member.generation,
            instance=instance,
            reason=f"asked of {intent.pool}",
        )
    ]
    if holder is not None:
        data.append(
            MemberReplaced(
                rank=rank,
                generation=member.generation,
                instance_id=instance.id,
                replaces=holder.instance.id,
            )
        )
    outbox = (member_event(member, each, deployment=array.deployment, now=now) for each in data)
    return msgspec.structs.replace(member, outbox=tuple(outbox))


def _has_ended_well(holder: Member) -> bool:
    """Say whether the job of a member came to its own end after a successor was asked for."""
    return holder.state is MemberState.EXITED


def _formers(holder: Member, now: datetime) -> tuple[Former, ...]:
    """Return the earlier instances that may still be there, the latest last."""
    left = [each for each in holder.formers if each.instance.state is not InstanceState.TERMINATED]
    if holder.instance.state is not InstanceState.TERMINATED:
        left.append(
            Former(
                instance=holder.instance,
                generation=holder.generation,
                since=now,
                job_over=holder.is_done,
            )
        )
    return tuple(left)
