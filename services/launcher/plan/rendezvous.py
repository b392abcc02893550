"""What a machine is told: its assignment, its peers, and when they are complete."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec

from services.launcher.model import Roll
from services.launcher.plan.replacement import may_start
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import Assignment, Peer, Peers, master_port
from spawn.contracts.hostnames import Host, Hostnames
from spawn.contracts.launches import JobSpec, WaitFor
from spawn.contracts.members import Former, Member, MemberState
from spawn.contracts.ranks import format_ranks
from spawn.errors import Rejected

_NAMED = 1 << 40
"""Added to the revision of peers with names: far above every sum of hellos, and a number that
JSON's readers hold exactly."""

_BEFORE_HELLO = frozenset({MemberState.LAUNCHED, MemberState.RUNNING})

_NO_NAMES: Mapping[int, str] = {}


def roll_of(members: Mapping[int, Member], hostnames: Hostnames | None = None) -> Roll:
    """Count who belongs to the peers, and say which revision of them there is."""
    names = names_of(members, hostnames)
    return Roll(size=len(expected(members)), revision=revision_of(members.values(), names))


def assignment_of(
    array: Array, member: Member, roll: Roll, job: JobSpec | None, *, now: datetime
) -> Assignment:
    """Say what one machine is to do; its job is unknown when the records were lost."""
    return Assignment(
        array_id=array.id,
        name=array.name,
        rank=member.rank,
        size=roll.size,
        generation=member.generation,
        lease=member.lease or array.lease,
        job=job or JobSpec(),
        master_port=master_port(array.id),
        peers_revision=roll.revision,
        may_start=may_start(member, now),
        ends=array.ending is not None or bool(member.ending),
        job_known=job is not None,
        heard=member.facts is not None and member.state not in _BEFORE_HELLO,
        # It asks though it counts as off: it has been started, which was not seen yet.
        stays=member.starts > 0 or member.is_stopped,
    )


def as_former(assignment: Assignment, former: Former) -> Assignment:
    """Say what a machine is to do that has a successor: go on until it ends, and begin nothing."""
    return msgspec.structs.replace(
        assignment, generation=former.generation, may_start=False, heard=True
    )


def peers_of(
    array: Array, members: Mapping[int, Member], hostnames: Hostnames | None = None
) -> Peers:
    """List who has said hello; the list is complete when nobody else is expected to."""
    names = names_of(members, hostnames)
    present = [members[rank] for rank in sorted(members) if members[rank].facts is not None]
    return Peers(
        revision=revision_of(members.values(), names),
        complete=is_complete(array, members, hostnames),
        size=len(expected(members)),
        peers=tuple(_peer(member, names.get(member.rank, "")) for member in present),
    )


def is_complete(
    array: Array, members: Mapping[int, Member], hostnames: Hostnames | None = None
) -> bool:
    """Say whether nobody else is expected, and enough are there: the barrier is open.

    With `wait_for` of `dns` every name has to resolve first, so that the job begins with names.
    """
    # An array that was adopted asks for nothing more: its members are those that there are.
    is_asking = array.placement is None and array.state is not ArrayState.RECOVERED
    placed = not is_asking and not array.chunks and not array.intents
    counted = expected(members)
    enough = len(counted) >= array.min_count
    there = placed and enough and all(each.facts is not None for each in counted)
    waits = array.spec.wait_for is WaitFor.DNS
    return there and (not waits or are_settled(counted, hostnames))


def are_settled(members: Iterable[Member], hostnames: Hostnames | None) -> bool:
    """Say whether each one's name resolves to its instance, or won't any more."""
    going_on = [each for each in members if not each.is_done and not each.is_stopped]
    if hostnames is None:
        return not going_on
    hosts, refused = hostnames.names(), {each.name for each in hostnames.refused}
    return all(
        _is_named(each, hosts) or hostnames.name_of(each.rank) in refused for each in going_on
    )


def names_of(members: Mapping[int, Member], hostnames: Hostnames | None) -> Mapping[int, str]:
    """Return the names of an array's machines: of all that go on, or none at all.

    So peers change at most twice for names, however they come; addresses serve until then.
    """
    # A machine that is off has no name, and the others keep theirs.
    going_on = [each for each in members.values() if not each.is_done and not each.is_stopped]
    if hostnames is None or not going_on:
        return {}
    hosts = hostnames.names()
    if not all(_is_named(each, hosts) for each in going_on):
        return {}
    return {
        each.rank: hostnames.name_of(each.rank)
        for each in members.values()
        if _is_named(each, hosts)
    }


def _is_named(member: Member, hosts: Mapping[int, Host]) -> bool:
    host = hosts.get(member.rank)
    return host is not None and host.generation == member.generation


def is_stranded(array: Array, members: Mapping[int, Member]) -> bool:
    """Say whether the barrier never opens: too few of those that have said hello or may do so."""
    boots = array.placement is not None and array.placement.boot is not None
    return boots and len(expected(members)) < array.min_count <= len(members)


def answering(array: Array, members: Mapping[int, Member], ranks: Collection[int]) -> list[Member]:
    """Return the members of these ranks, or of all, that can be told something.

    Raises `Rejected` when there is none, or one of those that were named is missing.
    """
    wanted = sorted(set(ranks) or members)
    chosen = [members[rank] for rank in wanted if rank in members]
    able = [member for member in chosen if _is_able(member)]
    missing = set(ranks) - {member.rank for member in able}
    if missing or not able:
        which = f"ranks {format_ranks(missing)} of {array.name}" if missing else array.name
        raise Rejected(f"{which}: no machine answers there; it is {array.state}", field="ranks")
    return able


def _is_able(member: Member) -> bool:
    return member.facts is not None and not member.is_over and not member.is_stopped


def expected(members: Mapping[int, Member]) -> list[Member]:
    """Return who belongs to the peers: all but those that were lost before they said hello."""
    return [each for each in members.values() if each.facts is not None or not each.is_done]


def revision_of(members: Iterable[Member], names: Mapping[int, str] = _NO_NAMES) -> int:
    """Return a number that goes up with every news of a hello, every replacement and restart.

    After each of these addresses may be others. It is another one with names than without.
    """
    news = sum(each.generation + each.hellos + each.starts for each in members)
    return news + _NAMED if names else news


def _peer(member: Member, name: str) -> Peer:
    return Peer(
        index=member.rank,
        instance_id=member.instance.id,
        ip=member.instance.private_ip,
        dns=name,
        generation=member.generation,
        facts=member.facts,
    )
