"""Successors: which members need one, when they are asked for, and when theirs may begin.

A successor has the rank of the member that is lost or about to be, and the next generation. It
boots at once; its job begins only when that of every earlier instance is over.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from services.launcher.model import OVERDUE, End, Gather, Release, Step, View, Write
from services.launcher.plan.checkpoints import timeout_of
from services.launcher.plan.ladder import split_chunks
from services.launcher.plan.markets import market_of
from services.launcher.plan.own_leases import lease_of
from services.launcher.plan.settlement import advance
from services.launcher.plan.successions import ASK_AGAIN, BUDGET, WINDOW, asked_of
from spawn.contracts.arrays import FIRST_SUCCESSION, Array, ArrayState, Chunk, Succession
from spawn.contracts.checkpoints import OnRebalance
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import Lease
from spawn.contracts.members import Former, Member, MemberState
from spawn.contracts.notices import Notice, NoticeKind
from spawn.contracts.pools import Market, Pool
from spawn.contracts.ranks import format_ranks, parse_ranks

GATHER = timedelta(milliseconds=200)
"""How long a first loss waits for others, to be made good by one call."""

GATHER_MORE = timedelta(seconds=1)
"""The same while losses go on: a storm takes several seconds, and two are allowed for."""

STORM = timedelta(seconds=10)
"""How long after successors were asked for others are taken to be lost for the same reason."""

LINGER = timedelta(seconds=30)
"""How long after the instant that its notice named an instance may go on."""

UNNAMED = timedelta(minutes=2)
"""When an instance without such an instant is taken to be over, besides its checkpoint: the time
that spot gives."""

STUCK = timedelta(minutes=2)
"""How long an instance shuts down before it counts as gone, though EC2 does not say so."""

_ASKING = frozenset({ArrayState.LAUNCHING, ArrayState.READY, ArrayState.DEGRADED})
_CHUNK = 100
"""Instances that one call asks for at most."""

_TOLD_WITHIN = timedelta(minutes=1)


def replace_lost(view: View) -> Iterator[Step]:
    """Ask for successors of members that are lost or about to be, those of a moment together."""
    trimmed = _without_ended(view)
    if trimmed is not None:
        yield Write(array=trimmed, reason="who was to be succeeded has come to an end")
        return
    due = due_members(view)
    if not due:
        return
    ready_at = (view.gathering_since or view.now) + _gather(view.array, view.now)
    if view.now < ready_at:
        yield Gather(until=ready_at, reason=f"{len(due)} lost, others may follow")
        return
    ranks = format_ranks(each.rank for each in due)
    yield Write(array=succeed(view, due), reason=f"successors for ranks {ranks}")


def tend_formers(view: View) -> Iterator[Step]:
    """Let successors begin, and end what has been succeeded or has nothing to do."""
    ids: list[InstanceId] = []
    for member in view.members.values():
        ids += (each.instance.id for each in member.formers if _is_to_end(each, view))
        if member.surplus and not member.instance.state.is_going:
            ids.append(member.instance.id)
        if _is_to_be_told(member, view):
            yield Release(
                instance_id=member.instance.id, reason=f"rank {member.rank} may begin its job"
            )
    wanted = tuple(each for each in ids if each not in view.ending)
    if wanted:
        yield End(instance_ids=wanted, reason="a successor has its place")


def may_start(member: Member, now: datetime) -> bool:
    """Say whether no earlier instance of a rank runs its job any more: the fence."""
    return not member.surplus and all(is_fenced(each, now) for each in member.formers)


def is_fenced(former: Former, now: datetime) -> bool:
    """Say whether an earlier instance runs no job: it has said so, or EC2 says that it is gone."""
    state = former.instance.state
    if former.job_over or state is InstanceState.TERMINATED:
        return True
    # A machine that shuts down may run its job for seconds more, but not for minutes.
    return state is InstanceState.SHUTTING_DOWN and now - former.since >= STUCK


def due_members(view: View) -> list[Member]:
    """Return the members that need a successor for which none has been asked yet."""
    array = view.array
    if array.state not in _ASKING or array.placement is None:
        return []
    under_way, asked = ranks_under_way(array), asked_of(array, view.now)
    return [
        member
        for _, member in sorted(view.members.items())
        if member.rank not in under_way
        and is_wanted(member, view)
        and not lease_of(member, array, view.own_leases).is_over(view.now)
        and asked.times[member.rank] < BUDGET
        and (member.generation, member.rank) not in asked.lately
    ]


def awaited_ranks(view: View) -> frozenset[int]:
    """Return the ranks that have lost their member and are going to have another one."""
    array = view.array
    under_way = {rank for rank in ranks_under_way(array) if rank in view.members}
    if array.state not in _ASKING or array.placement is None:
        return frozenset(under_way)
    asked = asked_of(array, view.now)
    later = (
        member.rank
        for member in view.members.values()
        if asked.times[member.rank] < BUDGET and is_wanted(member, view)
    )
    return frozenset(under_way.union(later))


def is_time_to_ask_again(array: Array, now: datetime) -> bool:
    """Say whether successors that could not be had a while ago may be asked for anew."""
    if array.state is not ArrayState.DEGRADED or not array.successions:
        return False
    return now - array.successions[-1].at >= ASK_AGAIN


def ranks_under_way(array: Array) -> frozenset[int]:
    """Return the ranks that are being asked for."""
    chunks = (*array.chunks, *(intent.chunk for intent in array.intents))
    return frozenset(rank for chunk in chunks for rank in parse_ranks(chunk.ranks))


def is_wanted(member: Member, view: View) -> bool:
    """Say whether a member is lost, or about to be, in a way that this array makes good."""
    array = view.array
    if not array.replaces or member.ending or member.state is MemberState.EXITED:
        return False
    # The end of a lease may have been put off at the last moment, which is not known here yet.
    if lease_of(member, array, view.own_leases).is_over(view.now - OVERDUE):
        return False
    if is_leaving(member.instance.id, view):
        return True
    is_lost = member.state is MemberState.LOST
    return is_lost and (array.spec.maintain or member.instance.market is Market.SPOT)


def is_leaving(instance_id: InstanceId, view: View) -> bool:
    """Say whether the cloud has announced that it takes an instance away."""
    on_rebalance = view.array.spec.on_rebalance is OnRebalance.REPLACE
    return any(
        each.kind is NoticeKind.INTERRUPTION
        or (on_rebalance and each.kind is NoticeKind.REBALANCE)
        for each in view.notices.get(instance_id, ())
    )


def explain_budget(ranks: Iterable[int], view: View) -> str:
    """Say which of these ranks have used up their successors; empty for none."""
    asked = asked_of(view.array, view.now)
    spent = [rank for rank in ranks if asked.times[rank] >= BUDGET]
    if not spent or not view.array.replaces:
        return ""
    return f"ranks {format_ranks(spent)} had {BUDGET} successors within an hour"


def succeed(view: View, lost: Iterable[Member]) -> Array:
    """Write down that successors are asked for: their chunks wait from now on."""
    array, lost = view.array, list(lost)
    recent = tuple(each for each in array.successions if view.now - each.at < WINDOW)
    chunks: list[Chunk] = []
    for members in _alike(view, lost):
        generation = members[0].generation
        ranks = format_ranks(each.rank for each in members)
        recent = (*recent, Succession(ranks=ranks, generation=generation, at=view.now))
        number = FIRST_SUCCESSION + array.successions_made + len(chunks)
        pools = _pools_of(array, members)
        chunks += (
            msgspec.structs.replace(each, generation=generation + 1, avoid=pools)
            for each in split_chunks(
                [each.rank for each in members], size=_CHUNK, first_number=number
            )
        )
    return advance(
        array,
        view.now,
        chunks=(*array.chunks, *chunks),
        successions=recent,
        successions_made=array.successions_made + len(chunks),
    )


def _alike(view: View, lost: Iterable[Member]) -> Iterator[list[Member]]:
    """Group members by what one call can make: a generation, a lease, pools of one market."""
    array = view.array
    groups: dict[tuple[int, Lease, Market], list[Member]] = {}
    for member in sorted(lost, key=lambda each: each.rank):
        lease = lease_of(member, array, view.own_leases)
        key = (member.generation, lease, market_of(array.spec, member.rank))
        groups.setdefault(key, []).append(member)
    yield from groups.values()


def _pools_of(array: Array, members: Iterable[Member]) -> tuple[Pool, ...]:
    left = {
        (each.instance.market, each.instance.instance_type, each.instance.zone) for each in members
    }
    pools = array.placement.pools if array.placement else ()
    return tuple(each for each in pools if (each.market, each.instance_type, each.zone) in left)


def _without_ended(view: View) -> Array | None:
    """Return the array without the waiting successors of members that need none any more.

    Their job has ended by itself, or their own end has come.
    """
    array = view.array
    over = {
        each.rank
        for each in view.members.values()
        if each.state is MemberState.EXITED or each.ending
    }
    chunks: list[Chunk] = []
    for chunk in array.chunks:
        ranks = parse_ranks(chunk.ranks) if chunk.is_succession else ()
        left = [rank for rank in ranks if rank not in over]
        if len(left) == len(ranks):
            chunks.append(chunk)
        elif left:
            chunks.append(msgspec.structs.replace(chunk, ranks=format_ranks(left)))
    if tuple(chunks) == array.chunks:
        return None
    return advance(array, view.now, chunks=tuple(chunks))


def _gather(array: Array, now: datetime) -> timedelta:
    storms = any(now - each.at < STORM for each in array.successions)
    return GATHER_MORE if storms else GATHER


def _is_to_end(former: Former, view: View) -> bool:
    if former.instance.state.is_going:
        return False
    notices = view.notices.get(former.instance.id, ())
    dies_at = _dies_at(notices)
    if dies_at is not None:
        return view.now >= dies_at + LINGER
    # It begins to save once it has a successor, and has all the time that a checkpoint may take.
    saved_at = former.since + UNNAMED + timeout_of(view.array.spec)
    return former.job_over or view.now >= saved_at + LINGER


def _dies_at(notices: Iterable[Notice]) -> datetime | None:
    # Work that is planned for another day is no end of an instance that has been succeeded.
    announced = (each for each in notices if each.kind is NoticeKind.INTERRUPTION)
    return min((each.dies_at for each in announced if each.dies_at is not None), default=None)


def _is_to_be_told(member: Member, view: View) -> bool:
    if not member.formers or member.facts is None or member.is_done:
        return False
    recent = any(view.now - each.since < STUCK + _TOLD_WITHIN for each in member.formers)
    is_told = member.instance.id in view.released
    return recent and not is_told and may_start(member, view.now)
