"""What a machine is told: its assignment, its peers, and when they are complete."""

from collections.abc import Iterable, Mapping

from spawn.contracts.arrays import Array
from spawn.contracts.assignments import Assignment, Peer, Peers, master_port
from spawn.contracts.launches import JobSpec
from spawn.contracts.members import Member


def assignment_of(
    array: Array, member: Member, members: Mapping[int, Member], job: JobSpec
) -> Assignment:
    """Say what one machine is to do."""
    return Assignment(
        array_id=array.id,
        name=array.name,
        rank=member.rank,
        size=len(members),
        generation=member.generation,
        lease=array.lease,
        job=job,
        master_port=master_port(array.id),
        peers_revision=revision_of(members.values()),
        ends=array.ending is not None,
    )


def peers_of(array: Array, members: Mapping[int, Member]) -> Peers:
    """List who has said hello; the list is complete when all ranks are placed and all have."""
    present = [members[rank] for rank in sorted(members) if members[rank].facts is not None]
    return Peers(
        revision=revision_of(members.values()),
        complete=is_complete(array, members),
        size=len(members),
        peers=tuple(_peer(member) for member in present),
    )


def is_complete(array: Array, members: Mapping[int, Member]) -> bool:
    """Say whether nobody else is expected: the barrier is open."""
    placed = array.placement is not None and not array.chunks and not array.intents
    return placed and bool(members) and all(each.facts is not None for each in members.values())


def revision_of(members: Iterable[Member]) -> int:
    """Return a number that goes up with every hello and every replacement, and never down."""
    return sum(2 * each.generation + (each.facts is not None) for each in members)


def _peer(member: Member) -> Peer:
    return Peer(
        index=member.rank,
        instance_id=member.instance.id,
        ip=member.instance.private_ip,
        generation=member.generation,
        facts=member.facts,
    )
