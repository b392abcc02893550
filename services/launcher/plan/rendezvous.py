"""What a machine is told: its assignment, its peers, and when they are complete."""

from collections.abc import Iterable, Mapping

from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import Assignment, Peer, Peers, master_port
from spawn.contracts.launches import JobSpec
from spawn.contracts.members import Member


def assignment_of(
    array: Array, member: Member, members: Mapping[int, Member], job: JobSpec | None
) -> Assignment:
    """Say what one machine is to do; its job is unknown when the records were lost."""
    return Assignment(
        array_id=array.id,
        name=array.name,
        rank=member.rank,
        size=len(expected(members)),
        generation=member.generation,
        lease=array.lease,
        job=job or JobSpec(),
        master_port=master_port(array.id),
        peers_revision=revision_of(members.values()),
        ends=array.ending is not None,
        job_known=job is not None,
        heard=member.facts is not None,
    )


def peers_of(array: Array, members: Mapping[int, Member]) -> Peers:
    """List who has said hello; the list is complete when nobody else is expected to."""
    present = [members[rank] for rank in sorted(members) if members[rank].facts is not None]
    return Peers(
        revision=revision_of(members.values()),
        complete=is_complete(array, members),
        size=len(expected(members)),
        peers=tuple(_peer(member) for member in present),
    )


def is_complete(array: Array, members: Mapping[int, Member]) -> bool:
    """Say whether nobody else is expected, and enough are there: the barrier is open."""
    # An array that was adopted asks for nothing more: its members are those that there are.
    is_asking = array.placement is None and array.state is not ArrayState.RECOVERED
    placed = not is_asking and not array.chunks and not array.intents
    counted = expected(members)
    enough = len(counted) >= array.min_count
    return placed and enough and all(each.facts is not None for each in counted)


def is_stranded(array: Array, members: Mapping[int, Member]) -> bool:
    """Say whether the barrier never opens: too few of those that have said hello or may do so."""
    boots = array.placement is not None and array.placement.boot is not None
    return boots and len(expected(members)) < array.min_count <= len(members)


def expected(members: Mapping[int, Member]) -> list[Member]:
    """Return who belongs to the peers: all but those that were lost before they said hello."""
    return [each for each in members.values() if each.facts is not None or not each.is_done]


def revision_of(members: Iterable[Member]) -> int:
    """Return a number that goes up with every news of a hello and every replacement."""
    return sum(each.generation + each.hellos for each in members)


def _peer(member: Member) -> Peer:
    return Peer(
        index=member.rank,
        instance_id=member.instance.id,
        ip=member.instance.private_ip,
        generation=member.generation,
        facts=member.facts,
    )
