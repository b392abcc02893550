"""Chunks and the ladder of pools that they climb, up to the complete request."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from services.launcher.plan.boot import render_user_data
from services.launcher.plan.markets import pools_for, ranks_by_market
from spawn.contracts.arrays import Array, ArrayState, Boot, Chunk, Intent, Placement
from spawn.contracts.ids import ArrayId, client_token
from spawn.contracts.instances import RunInstances
from spawn.contracts.launches import LaunchSpec, OnComplete
from spawn.contracts.leases import (
    LEASE_ACTION_TAG,
    LEASE_TAG,
    Lease,
    LeaseAction,
    format_instant,
)
from spawn.contracts.members import Member
from spawn.contracts.pools import Market, Pool
from spawn.contracts.ranks import format_ranks, parse_ranks
from spawn.errors import Conflict

MOST_RANGES = 50
"""Ranges in one chunk: with ranks of up to five digits they fit the 256 characters of a tag."""


def first_chunks(spec: LaunchSpec, *, size: int) -> tuple[Chunk, ...]:
    """Cut all ranks of a launch into the chunks that it begins with, each of one market."""
    chunks: tuple[Chunk, ...] = ()
    for ranks in ranks_by_market(spec):
        chunks += split_chunks(ranks, size=size, first_number=len(chunks))
    return chunks


def split_chunks(ranks: Sequence[int], *, size: int, first_number: int = 0) -> tuple[Chunk, ...]:
    """Cut ascending ranks into chunks of at most `size` ranks and `MOST_RANGES` ranges."""
    return tuple(
        Chunk(number=first_number + offset, ranks=format_ranks(part))
        for offset, part in enumerate(_parts(ranks, size))
    )


def _parts(ranks: Sequence[int], size: int) -> Iterator[list[int]]:
    part: list[int] = []
    ranges = 0
    for rank in ranks:
        starts_range = not part or rank != part[-1] + 1
        if len(part) == size or (starts_range and ranges == MOST_RANGES):
            yield part
            part, ranges, starts_range = [], 0, True
        part.append(rank)
        ranges += starts_range
    if part:
        yield part


def choose_pool(
    array: Array, chunk: Chunk, exhausted: Mapping[Pool, datetime], *, now: datetime
) -> Pool | None:
    """Return the first pool that hasn't refused this array, or None when all have.

    Pools in `exhausted` until a later instant, by whichever array, come last. Successors are asked
    of every pool anew, of those that were lost only when nothing else is left.
    """
    refused = set(chunk.refused)
    if not chunk.is_succession:
        refused |= {refusal.pool for refusal in array.refusals}
    if chunk.partial and chunk.pool is not None and chunk.pool not in refused:
        return chunk.pool
    if array.placement is None:
        return None
    allowed = pools_for(array.spec, array.placement, chunk)
    open_pools = [pool for pool in allowed if pool not in refused]
    elsewhere = [pool for pool in open_pools if pool not in chunk.avoid] or open_pools
    fresh = [pool for pool in elsewhere if exhausted.get(pool, now) <= now]
    return next(iter(fresh or elsewhere), None)


def generation_of(chunk: Chunk, members: Mapping[int, Member]) -> int:
    """Return the generation of what a chunk makes: above those of members that have ended.

    It is one for all of them, since all are made with the same tags and user-data.
    """
    held = [members[rank] for rank in parse_ranks(chunk.ranks) if rank in members]
    return max([chunk.generation, *(each.generation + 1 for each in held if each.is_over)])


def lease_for(chunk: Chunk, array: Array, own: Mapping[int, Lease], *, now: datetime) -> Lease:
    """Return the lease that a chunk's machines begin with: their own, where they share one."""
    leases = {own.get(rank, array.lease) for rank in parse_ranks(chunk.ranks)}
    if len(leases) > 1 and not array.lease.is_over(now):
        return array.lease
    return max(leases, key=lambda lease: lease.until)


def open_intent(  # noqa: PLR0913 - one request, made of what each of these alone knows
    array: Array,
    chunk: Chunk,
    pool: Pool,
    *,
    generation: int = 0,
    template: str = "",
    lease: Lease | None = None,
    now: datetime,
) -> Array:
    """Turn a waiting chunk into an open intent, whose members are of this generation and lease.

    Raises `Conflict` when the array no longer launches or the chunk no longer waits: a launch
    that is being ended makes no new calls.
    """
    if not _may_ask(array, chunk):
        raise Conflict(f"{array.id} is {array.state}: nothing more is asked for")
    asked = msgspec.structs.replace(
        chunk,
        partial=chunk.partial and chunk.pool == pool,
        generation=max(chunk.generation, generation),
    )
    intent = Intent(
        chunk=asked,
        pool=pool,
        request=build_request(_leased(array, lease), asked, pool, template=template),
        opened_at=now,
    )
    return msgspec.structs.replace(
        array,
        version=array.version + 1,
        chunks=tuple(each for each in array.chunks if each != chunk),
        intents=(*array.intents, intent),
        outbox=(),
    )


def _leased(array: Array, lease: Lease | None) -> Array:
    return array if lease is None else msgspec.structs.replace(array, lease=lease)


def with_boot(array: Array, boot: Boot | None) -> Array:
    """Return an array whose next machines boot with this; None changes nothing."""
    if array.placement is None or boot is None:
        return array
    placement = msgspec.structs.replace(array.placement, boot=boot)
    return msgspec.structs.replace(array, placement=placement)


def _may_ask(array: Array, chunk: Chunk) -> bool:
    serves = chunk.is_succession and array.state in {ArrayState.READY, ArrayState.DEGRADED}
    launches = array.state is ArrayState.LAUNCHING
    return (launches or serves) and array.ending is None and chunk in array.chunks


def build_request(array: Array, chunk: Chunk, pool: Pool, *, template: str = "") -> RunInstances:
    """Write down the whole call, so that it can be sent again to the letter.

    `template` is the boot script; without an agent to fetch there is no user-data.
    """
    if array.placement is None:
        raise Conflict(f"{array.id} has no placement yet")
    count = len(parse_ranks(chunk.ranks))
    partial = chunk.partial and chunk.pool == pool
    boot = array.placement.boot
    return RunInstances(
        region=array.region,
        client_token=client_token(array.id, chunk.number, chunk.attempt),
        image_id=array.placement.image_id,
        instance_type=pool.instance_type,
        subnet_id=pool.subnet_id,
        market=pool.market,
        min_count=1 if partial else count,
        max_count=count,
        security_group_ids=array.placement.security_group_ids,
        tags=build_tags(array, chunk),
        lease_action=_shutdown_action(array, pool),
        user_data=render_user_data(template, array, chunk, boot) if boot else "",
        instance_profile=array.placement.instance_profile,
        key_name=array.spec.key_name,
        hibernation=array.placement.hibernation,
        max_price=_max_price(array, pool),
    )


def _max_price(array: Array, pool: Pool) -> str:
    price = array.spec.spot_max_price
    return "" if price is None or pool.market is not Market.SPOT else f"{price:.6f}"


def rehearsal(spec: LaunchSpec, placement: Placement, *, deployment: str) -> RunInstances:
    """Return a request such as a launch would make of its first pool, to be tried on EC2.

    Of what the launch makes before it calls, a security group and a profile, it has nothing.
    """
    pool = placement.pools[0]
    return RunInstances(
        region=spec.region,
        client_token=client_token(ArrayId(f"{spec.name}-{deployment}-{pool}"), 0, 0),
        image_id=placement.image_id,
        instance_type=pool.instance_type,
        subnet_id=pool.subnet_id,
        market=pool.market,
        min_count=1,
        max_count=1,
        security_group_ids=placement.security_group_ids,
        tags={**spec.tags, "spawn:managed": "true", "spawn:deployment": deployment},
        key_name=spec.key_name,
    )


def _shutdown_action(array: Array, pool: Pool) -> LeaseAction:
    # EC2 knows one behaviour at shutdown, whatever the reason: a machine that is to stop after
    # its job must not be ended by it. The lease then ends it by a call. And a spot machine that
    # may be stopped at all is of a persistent request: EC2 makes another in the place of one that
    # ends by itself (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html).
    stops = array.spec.on_complete is OnComplete.STOP
    is_spot = pool.market is Market.SPOT and array.spec.stays
    return LeaseAction.STOP if stops or is_spot else array.lease.action


def build_tags(array: Array, chunk: Chunk) -> dict[str, str]:
    """Return the tags from which the array could be told again without any record."""
    action = array.lease.action
    stays = {} if action is LeaseAction.TERMINATE else {LEASE_ACTION_TAG: action.value}
    return {
        **stays,
        "Name": array.name,
        **array.spec.tags,
        "spawn:managed": "true",
        "spawn:deployment": array.deployment,
        "spawn:array-id": array.id,
        "spawn:array-name": array.name,
        "spawn:ranks": chunk.ranks,
        "spawn:size": str(array.size),
        "spawn:generation": str(chunk.generation),
        LEASE_TAG: format_instant(array.lease.until),
        "spawn:owner": array.owner,
    }
