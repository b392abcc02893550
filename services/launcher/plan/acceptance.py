"""From a command to an array's first record, or to the reason why there is none."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from services.launcher.plan.checkpoints import checkpoint_of
from services.launcher.plan.markets import first_pool
from services.launcher.plan.permissions import check_permissions
from spawn.contracts.arrays import Array, ArrayState, Chunk, Placement
from spawn.contracts.checks import Limits, changed_fields, check_spec
from spawn.contracts.durations import parse_duration
from spawn.contracts.events import ArrayAccepted, ArrayRejected, Event, event_id
from spawn.contracts.hostnames import collide, stem_of
from spawn.contracts.ids import ArrayId, array_id, check_request_id
from spawn.contracts.launches import (
    NOT_AFTER,
    TEXTS,
    JobSpec,
    Launch,
    LaunchPlan,
    LaunchSpec,
    OnComplete,
    PlannedChunk,
    WaitFor,
    digest,
    environment_text,
    without_texts,
)
from spawn.contracts.leases import NO_END, Lease
from spawn.errors import Conflict, Rejected

SERVICE = "launcher"

UNKNOWN_SPEC = ""
"""The hash of an array that was adopted from tags: any spec may have been its own."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment grants to a launch."""

    deployment: str
    limits: Limits
    default_ttl: timedelta


def accept(launch: Launch, *, owner: str, now: datetime, terms: Terms) -> Array:
    """Make the record of an accepted launch; raise `Rejected` naming the field that is wrong."""
    check_request_id(launch.request_id)
    spec = check_spec(launch.spec, terms.limits)
    check_permissions(spec)
    named = array_id(
        deployment=terms.deployment, owner=owner, request_id=launch.request_id, name=spec.name
    )
    array = Array(
        id=named,
        name=spec.name,
        owner=owner,
        request_id=launch.request_id,
        deployment=terms.deployment,
        region=spec.region,
        size=spec.count,
        min_count=spec.min_count or spec.count,
        spec=without_texts(spec),
        spec_hash=spec_hash(spec),
        state=ArrayState.ACCEPTED,
        accepted_at=now,
        lease=lease_of(spec, now=now, terms=terms),
        user_data=digest(spec.user_data),
        command=digest(spec.command),
        environment=digest(environment_text(spec)),
        checkpoint_script=digest(spec.checkpoint_script),
    )
    return msgspec.structs.replace(array, outbox=(accepted_event(array, now),))


def check_in_time(launch: Launch, *, sent_at: datetime, now: datetime) -> None:
    """Pass a launch that is still wanted; raise `Rejected` when it comes too late.

    One whose record exists was taken in time, however often and late it is delivered again.
    """
    not_after = launch.not_after or sent_at + NOT_AFTER
    if now > not_after:
        raise Rejected(
            f"the request was not taken before {not_after:%H:%M:%S} UTC; send it again",
            field="not_after",
            code="expired",
        )


def lease_of(spec: LaunchSpec, *, now: datetime, terms: Terms) -> Lease:
    """Return the lease of a launch that is accepted at `now`."""
    if spec.no_ttl:
        return Lease(until=NO_END, action=spec.on_expire)
    ttl = parse_duration(spec.ttl) if spec.ttl else terms.default_ttl
    return Lease(until=now + ttl, action=spec.on_expire)


def preview(
    spec: LaunchSpec,
    placement: Placement,
    chunks: tuple[Chunk, ...],
    *,
    expected: timedelta,
    now: datetime,
    terms: Terms,
) -> LaunchPlan:
    """Say what a launch would do when its first pool has room, and how long it is `expected`."""
    planned = (
        PlannedChunk(ranks=each.ranks, pool=first_pool(spec, placement, each)) for each in chunks
    )
    return LaunchPlan(
        name=spec.name,
        size=spec.count,
        min_count=spec.min_count or spec.count,
        region=spec.region,
        image_id=placement.image_id,
        pools=placement.pools,
        chunks=tuple(planned),
        calls={"RunInstances": len(chunks)},
        user_data_bytes=len(spec.user_data.encode()),
        lease=lease_of(spec, now=now, terms=terms),
        expected_seconds=expected.total_seconds(),
    )


def accepted_event(array: Array, now: datetime) -> Event:
    """Say that the array's record exists."""
    data = ArrayAccepted(
        name=array.name,
        owner=array.owner,
        request_id=array.request_id,
        region=array.region,
        size=array.size,
        min_count=array.min_count,
        lease=array.lease,
        user_data=array.user_data,
        command=array.command,
        environment=array.environment,
        checkpoint_script=array.checkpoint_script,
    )
    return Event(
        id=event_id(array.id, data, array.version),
        array_id=array.id,
        source=event_source(array.deployment),
        time=now,
        data=data,
    )


def rejected_event(
    array: ArrayId, data: ArrayRejected, *, deployment: str, message_id: str, now: datetime
) -> Event:
    """Say that a launch was refused; the id is derived from the command, not from a record."""
    named = hashlib.sha256(message_id.encode()).hexdigest()[:16]
    return Event(
        id=event_id(array, data, named),
        array_id=array,
        source=event_source(deployment),
        time=now,
        data=data,
    )


def check_same(existing: Array, wanted: Array) -> None:
    """Pass when both come from the same spec; raise `Conflict` naming the fields otherwise."""
    if existing.spec_hash in {wanted.spec_hash, UNKNOWN_SPEC}:
        return
    fields = list(changed_fields(existing.spec, wanted.spec))
    fields += (name for name in TEXTS if getattr(existing, name) != getattr(wanted, name))
    raise Conflict(
        f"request {wanted.request_id} already made {existing.id} with another"
        f" {', '.join(fields)}; use another --request-id",
        code="request-conflict",
    )


def name_taken(name: str, holder: Array) -> Rejected:
    """Say who holds the name."""
    return Rejected(
        f"name={name!r}: {holder.id} has it and is {holder.state};"
        f" choose another name, or end it with: spawn terminate {holder.id}",
        field="name",
        code="name-taken",
    )


def check_names(array: Array, others: Iterable[Array]) -> None:
    """Pass when no living array's machines have names in common with this one's.

    Raises `Rejected` saying whose they are.
    """
    wanted = (stem_of(array), array.size)
    for other in others:
        held = (stem_of(other), other.size)
        if other.id != array.id and not other.state.is_over and collide(wanted, held):
            raise Rejected(
                f"names of {wanted[0]!r}: {other.id} has the same, for {held[0]!r} and"
                f" {other.size} machines; choose others with --dns",
                field="dns" if array.spec.dns else "name",
                code="dns-taken",
            )


def check_nameless(spec: LaunchSpec) -> None:
    """Pass when a launch can do where machines have no names; raise `Rejected` when it can't."""
    for field, wanted in (
        ("wait_for", spec.wait_for is WaitFor.DNS),
        ("dns", bool(spec.dns)),
        ("dns_address", spec.dns_address is not None),
    ):
        if wanted:
            raise Rejected(
                f"{field}={getattr(spec, field)}: machines have no names in this deployment;"
                " set SPAWN_DNS_BACKEND and SPAWN_DNS_BASE for its services",
                field=field,
                code="dns-none",
            )


def job_of(spec: LaunchSpec) -> JobSpec:
    """Return what the machines are to run; defaults that depend on each other are settled."""
    default = OnComplete.TERMINATE if spec.command else OnComplete.NONE
    runtime = parse_duration(spec.max_runtime) if spec.max_runtime else timedelta()
    return JobSpec(
        user_data=spec.user_data,
        command=spec.command,
        environment=spec.environment,
        env_compat=spec.env_compat,
        login_user=spec.login_user,
        on_complete=spec.on_complete or default,
        max_runtime=int(runtime.total_seconds()),
        retries=spec.retries,
        peer_ssh=spec.peer_ssh,
        checkpoint=checkpoint_of(spec),
    )


def spec_hash(spec: LaunchSpec) -> str:
    """Hash a spec in one canonical form."""
    return hashlib.sha256(msgspec.json.encode(spec, order="deterministic")).hexdigest()


def event_source(deployment: str) -> str:
    """Return the CloudEvents source of this service."""
    return f"/spawn/{deployment}/{SERVICE}"
