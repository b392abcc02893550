"""Stops and starts: what may be asked for, what is still to be done, and when it is over."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache

import msgspec

from services.launcher.model import SetPower, View, Write
from services.launcher.plan.own_leases import lease_of
from services.launcher.plan.settlement import advance
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import Data, PowerAsked, PowerSettled
from spawn.contracts.ids import check_request_id
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import Lease, format_instant
from spawn.contracts.members import Member
from spawn.contracts.pools import Market
from spawn.contracts.power import Power, PowerTo, PowerWish
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import Rejected

_NONE: Mapping[int, Lease] = {}

_REMEMBERED = 8
"""Requests that a record remembers: far more than are ever under way for one array."""

_LONGEST_REASON = 300

_AT_ONCE = 100
"""Instances that are stopped or started before the record is looked at again: EC2 starts few in a
second, and the end of an array must not wait for them all."""

_SUPERSEDED = "another request is newer"


def ask(
    array: Array,
    wanted: Power,
    members: Mapping[int, Member],
    *,
    now: datetime,
    leases: Mapping[int, Lease] = _NONE,
) -> Array:
    """Return the record with a wish; the same one when the request has been taken already.

    `leases` are by rank, where the records of array and members may not tell of them yet. Raises
    `Rejected` naming what is wrong.
    """
    check_request_id(wanted.request_id)
    if wanted.request_id in array.power_requests:
        return array
    ranks = _ranks(array, wanted, members)
    _check_state(array)
    chosen = [members[rank] for rank in ranks]
    if wanted.to is PowerTo.RUNNING:
        known = (leases.get(each.rank) or lease_of(each, array) for each in chosen)
        _check_time(array, known, now)
    else:
        _check_kind(array, wanted.to, chosen)
    wish = PowerWish(
        to=wanted.to,
        ranks=format_ranks(ranks),
        request_id=wanted.request_id,
        reason=wanted.reason[:_LONGEST_REASON],
        at=now,
    )
    return put_wish(array, wish, now=now)


def put_wish(array: Array, wish: PowerWish, *, now: datetime, **changes: object) -> Array:
    """Add a wish, which older ones for the same ranks give way to."""
    taken = set(wish_ranks(wish.ranks))
    kept: list[PowerWish] = []
    events: list[Data] = []
    for each in array.powering:
        lost = taken.intersection(wish_ranks(each.ranks))
        rest = [rank for rank in wish_ranks(each.ranks) if rank not in taken]
        if rest:
            kept.append(msgspec.structs.replace(each, ranks=format_ranks(rest)))
        elif lost:
            events.append(_settled(each, left=lost, reason=_SUPERSEDED))
    asked = PowerAsked(
        request_id=wish.request_id, to=wish.to, ranks=wish.ranks, reason=wish.reason
    )
    return advance(
        array,
        now,
        *events,
        asked,
        powering=(*kept, wish),
        power_requests=(*array.power_requests, wish.request_id)[-_REMEMBERED:],
        **changes,
    )


def power_steps(view: View) -> Iterator[SetPower | Write]:
    """Stop and start what is to be so, and settle the wishes that are done or can't be."""
    done = next((wish for wish in view.array.powering if not _waiting(view, wish)), None)
    if done is not None:
        left = tuple(each for each in view.array.powering if each != done)
        after = advance(view.array, view.now, _settlement(view, done), powering=left)
        yield Write(array=after, reason=f"ranks {done.ranks} are {done.to}, or can't be")
        return
    for wish in view.array.powering:
        states = ((each.instance.id, each.instance.state) for each in _waiting(view, wish))
        ready = [
            id_
            for id_, state in states
            if state is _FROM[wish.to] and (id_, wish.to) not in view.powered
        ]
        if ready:
            first = tuple(ready[:_AT_ONCE])
            yield SetPower(instance_ids=first, to=wish.to, reason=wish.reason)


def wish_for(array: Array, rank: int) -> PowerWish | None:
    """Return what a member is still to be, if anything: of each rank there is one wish at most."""
    return next((wish for wish in array.powering if rank in _rank_set(wish.ranks)), None)


@lru_cache(maxsize=256)
def wish_ranks(ranks: str) -> tuple[int, ...]:
    """Return the ranks of a wish, ascending."""
    return parse_ranks(ranks)


@lru_cache(maxsize=256)
def _rank_set(ranks: str) -> frozenset[int]:
    # The observer asks for each member of an array, many times while machines come and go.
    return frozenset(wish_ranks(ranks))


_FROM = {
    PowerTo.STOPPED: InstanceState.RUNNING,
    PowerTo.HIBERNATED: InstanceState.RUNNING,
    PowerTo.RUNNING: InstanceState.STOPPED,
}
"""The one state from which EC2 takes the call; from others it is waited for."""

_THERE = {
    PowerTo.STOPPED: InstanceState.STOPPED,
    PowerTo.HIBERNATED: InstanceState.STOPPED,
    PowerTo.RUNNING: InstanceState.RUNNING,
}


def _is_there(member: Member, to: PowerTo) -> bool:
    return member.instance.state is _THERE[to]


def _is_gone(member: Member) -> bool:
    return member.is_over or bool(member.ending) or member.instance.state.is_going


def _waiting(view: View, wish: PowerWish) -> list[Member]:
    """Return the members that are not yet as they are to be, and may still come to be so."""
    members = (view.members.get(rank) for rank in wish_ranks(wish.ranks))
    return [
        each
        for each in members
        if each is not None
        and not _is_gone(each)
        and not _is_there(each, wish.to)
        and not _why_refused(view, each, wish)
    ]


def _why_refused(view: View, member: Member, wish: PowerWish) -> str:
    """Return why EC2 has refused to do it since it was wished for; empty when it has not."""
    why, at = view.unpowered.get(member.instance.id, ("", wish.at))
    return why if at >= wish.at else ""


def _settlement(view: View, wish: PowerWish) -> PowerSettled:
    ranks = wish_ranks(wish.ranks)
    there = [
        member
        for rank in ranks
        if (member := view.members.get(rank)) is not None and _is_there(member, wish.to)
    ]
    stopped = [each.rank for each in there if not each.instance.is_hibernated]
    left = set(ranks) - {each.rank for each in there}
    members = (view.members[rank] for rank in sorted(left) if rank in view.members)
    refused = (_why_refused(view, each, wish) for each in members)
    return _settled(
        wish,
        there=[each.rank for each in there],
        fell_back=stopped if wish.to is PowerTo.HIBERNATED else (),
        left=left,
        reason=next(filter(None, refused), "their machines are gone") if left else "",
    )


def _settled(
    wish: PowerWish,
    *,
    there: Iterable[int] = (),
    fell_back: Iterable[int] = (),
    left: Iterable[int] = (),
    reason: str = "",
) -> PowerSettled:
    return PowerSettled(
        request_id=wish.request_id,
        to=wish.to,
        ranks=format_ranks(there),
        fell_back=format_ranks(fell_back),
        left=format_ranks(left),
        reason=reason,
    )


def _ranks(array: Array, wanted: Power, members: Mapping[int, Member]) -> tuple[int, ...]:
    living = {rank for rank, member in members.items() if not _is_gone(member)}
    asked = parse_ranks(wanted.ranks) if wanted.ranks else tuple(sorted(living))
    missing = set(asked) - living
    if missing or not asked:
        which = f"ranks {format_ranks(missing)} of {array.name}" if missing else array.name
        raise Rejected(f"{which}: no machine is there", field="ranks", code="gone")
    return asked


def _check_state(array: Array) -> None:
    if array.ending is not None or array.state.is_over:
        raise Rejected(
            f"{array.name} is {array.state}: its machines end", field="array_id", code="ending"
        )
    if array.state in {ArrayState.ACCEPTED, ArrayState.LAUNCHING}:
        raise Rejected(
            f"{array.name} is {array.state}: wait until it is ready, with"
            f" spawn wait {array.name} --for ready",
            field="array_id",
            code="launching",
        )


def _check_time(array: Array, leases: Iterable[Lease], now: datetime) -> None:
    for lease in leases:
        if lease.is_over(now):
            raise Rejected(
                f"the lease ended at {format_instant(lease.until)}: give it more time first, with"
                f" spawn extend {array.name} 2h",
                field="array_id",
                code="lease-over",
            )


def _check_kind(array: Array, to: PowerTo, members: Iterable[Member]) -> None:
    if to is PowerTo.HIBERNATED and not array.spec.hibernates:
        raise Rejected(
            f"{array.name} was not launched with --hibernate, which prepares machines for it;"
            f" they can be stopped: spawn stop {array.name}",
            field="to",
            code="not-prepared",
        )
    once = [each.rank for each in members if each.instance.market is Market.SPOT]
    if once and not array.spec.stays:
        raise Rejected(
            f"ranks {format_ranks(once)} are spot machines, which EC2 can't stop unless they"
            " were launched with --on-expire stop or --hibernate",
            field="ranks",
            code="one-time-spot",
        )
