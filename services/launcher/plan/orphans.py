"""Instances that no record accounts for: what is adopted, what is ended, what is left alone.

An instance is never ended for being unknown. It is ended when the record of its array says that
the array is ending or over, when another instance fills its rank in a later generation, or when
its own lease tag is long past.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from services.launcher.model import LEASE_GRACE, VISIBILITY, Adoption
from services.launcher.plan.acceptance import UNKNOWN_SPEC
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.contracts.instances import Described, InstanceState
from spawn.contracts.launches import Finding, LaunchSpec
from spawn.contracts.leases import (
    LEASE_ACTION_TAG,
    LEASE_TAG,
    Lease,
    LeaseAction,
    format_instant,
    parse_instant,
)
from spawn.contracts.members import Former, Member, MemberState
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Rejected

_MEMBER_STATES = {
    InstanceState.PENDING: MemberState.LAUNCHED,
    InstanceState.RUNNING: MemberState.RUNNING,
    InstanceState.STOPPING: MemberState.RUNNING,
    InstanceState.STOPPED: MemberState.RUNNING,
}


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance's tags say of whose it is."""

    array_id: ArrayId
    name: str
    owner: str
    size: int
    rank: int
    generation: int
    lease: Lease


def read_claim(described: Described) -> Claim:
    """Read the tags; raise `Rejected` naming the tag that is missing or wrong."""
    tags = described.tags
    try:
        ranks = parse_ranks(tags["spawn:ranks"])
        claim = Claim(
            array_id=ArrayId(tags["spawn:array-id"]),
            name=tags["spawn:array-name"],
            owner=tags["spawn:owner"],
            size=int(tags["spawn:size"]),
            rank=ranks[described.launch_index],
            generation=int(tags["spawn:generation"]),
            lease=_lease(tags),
        )
    except (KeyError, ValueError, IndexError) as error:
        raise Rejected(f"its tags are not those of a member: {error}", field="tags") from error
    if not is_array_id(claim.array_id) or not 0 <= claim.rank < claim.size:
        raise Rejected(f"its tags name no array: {claim.array_id!r}", field="spawn:array-id")
    return claim


def _lease(tags: Mapping[str, str]) -> Lease:
    until = parse_instant(tags[LEASE_TAG])
    return Lease(until, LeaseAction(tags.get(LEASE_ACTION_TAG, LeaseAction.TERMINATE)))


def with_lease(described: Described, longest: timedelta) -> Described:
    """Return an instance with a lease: one that its tags do not tell of is the `longest` there is.

    It counts from the launch, so that it ends whatever became of its tag.
    """
    launched_at = described.instance.launched_at
    if LEASE_TAG in described.tags or launched_at is None:
        return described
    tags = {**described.tags, LEASE_TAG: format_instant(launched_at + longest)}
    return msgspec.structs.replace(described, tags=tags)


def judge(
    described: Described,
    array: Array | None,
    members: Mapping[int, Member],
    *,
    region: str,
    now: datetime,
) -> Finding:
    """Say what becomes of a living instance that no member's record names."""
    try:
        claim = read_claim(described)
    except Rejected as rejection:
        verdict, reason = "leave", rejection.message
    else:
        verdict, reason = _verdict(described, claim, array, members, now)
    return Finding(
        instance_id=described.instance.id,
        region=region,
        array_id=described.tags.get("spawn:array-id", ""),
        verdict=verdict,
        reason=reason,
    )


def _verdict(
    described: Described,
    claim: Claim,
    array: Array | None,
    members: Mapping[int, Member],
    now: datetime,
) -> tuple[str, str]:
    holder = members.get(claim.rank)
    if array is not None and described.client_token in {each.token for each in array.intents}:
        return "leave", "its launch is being recorded"
    is_own = holder is not None and holder.instance.id == described.instance.id
    reason = _why_end(claim, array, None if is_own else holder, now)
    if reason and now - (described.instance.launched_at or now) < VISIBILITY:
        return "leave", f"{reason}; it is younger than 5 minutes"
    if reason:
        return "end", reason
    if holder is None:
        return "adopt", "its array has no record" if array is None else "its rank is not filled"
    if is_own:
        return "leave", f"rank {claim.rank} counts as {holder.state}; its lease will end it"
    return "leave", f"rank {claim.rank} is filled by {holder.instance.id}"


def _why_end(claim: Claim, array: Array | None, holder: Member | None, now: datetime) -> str:
    ends = claim.lease.action is LeaseAction.TERMINATE
    if ends and now >= claim.lease.until + LEASE_GRACE:
        return f"its lease ended at {claim.lease.until:%Y-%m-%d %H:%M:%S} UTC"
    if array is not None and (array.state.is_over or array.ending is not None):
        return f"its array is {array.state}"
    superseded = holder is not None and holder.generation > claim.generation
    if superseded and holder is not None and holder.state is not MemberState.LAUNCHED:
        return f"rank {claim.rank} is now filled by {holder.instance.id}"
    return ""


def adopt(
    found: Iterable[Described], *, deployment: str, region: str, now: datetime
) -> tuple[Adoption, ...]:
    """Make records from tags, one array for all instances that name it."""
    claims: dict[ArrayId, dict[int, list[_Claimed]]] = {}
    for described in found:
        claim = read_claim(described)
        claims.setdefault(claim.array_id, {}).setdefault(claim.rank, []).append((claim, described))
    return tuple(
        _adoption(list(ranks.values()), deployment=deployment, region=region, now=now)
        for ranks in claims.values()
    )


_Claimed = tuple[Claim, Described]


def _adoption(
    ranks: list[list[_Claimed]], *, deployment: str, region: str, now: datetime
) -> Adoption:
    claimed = [max(each, key=lambda one: one[0].generation) for each in ranks]
    claim, _ = claimed[0]
    latest = max((each.lease for each, _ in claimed), key=lambda lease: lease.until)
    array = Array(
        id=claim.array_id,
        name=claim.name,
        owner=claim.owner,
        request_id="",
        deployment=deployment,
        region=region,
        size=claim.size,
        min_count=claim.size,
        spec=LaunchSpec(name=claim.name, count=claim.size, region=region),
        spec_hash=UNKNOWN_SPEC,
        state=ArrayState.RECOVERED,
        accepted_at=min((each.instance.launched_at or now for _, each in claimed), default=now),
        lease=latest,
        reason="adopted from the tags of its instances",
    )
    members = tuple(
        msgspec.structs.replace(
            _adopted_member(each, described, now),
            lease=None if each.lease == latest else each.lease,
            formers=_adopted_formers(each, held, now),
        )
        for (each, described), held in zip(claimed, ranks, strict=True)
    )
    return Adoption(array=array, members=members)


def _adopted_member(claim: Claim, described: Described, now: datetime) -> Member:
    return Member(
        array_id=claim.array_id,
        rank=claim.rank,
        generation=claim.generation,
        state=_MEMBER_STATES.get(described.instance.state, MemberState.LOST),
        instance=described.instance,
        changed_at=now,
        reason="adopted from its tags",
    )


def _adopted_formers(claim: Claim, held: list[_Claimed], now: datetime) -> tuple[Former, ...]:
    """Return earlier instances of a rank: nobody knows whether their jobs are over."""
    earlier = sorted(
        (each for each in held if each[0].generation < claim.generation),
        key=lambda each: each[0].generation,
    )
    return tuple(
        Former(instance=described.instance, generation=each.generation, since=now)
        for each, described in earlier
    )
