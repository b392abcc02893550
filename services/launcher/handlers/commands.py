"""Commands: a launch becomes a record, a terminate a state; then the drivers take over."""

from datetime import datetime, timedelta

import msgspec

from services.launcher import metrics
from services.launcher.apply.budgets import kept_within
from services.launcher.apply.records import create_array, write_array
from services.launcher.plan.acceptance import (
    Terms,
    accept,
    check_in_time,
    check_nameless,
    check_names,
    check_same,
    job_of,
    name_taken,
    rejected_event,
)
from services.launcher.plan.settlement import end
from services.launcher.ports import World
from spawn.bus.dead import CRASHES, Undeliverable
from spawn.bus.ports import Buried, Command
from spawn.contracts.arrays import Array, NameClaim, name_key
from spawn.contracts.checks import Limits
from spawn.contracts.events import ArrayRejected
from spawn.contracts.ids import array_id, check_name, check_request_id, is_array_id
from spawn.contracts.launches import JobSpec, Launch, LaunchSpec, Terminate, WaitFor
from spawn.errors import Conflict, NotFound, Rejected, Transient
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_CLAIM_PATIENCE = timedelta(minutes=1)
"""Time from a name's claim to its array's record, far above what one takes."""

NO_NAMES = "none"
"""`SPAWN_DNS_BACKEND` where machines have no names, which then can't be taken either."""

_LONGEST_REASON = 300
"""Characters of a reason that are kept: it stands several times in a record of limited size."""


async def on_launch(command: Command[Launch], world: World) -> None:
    """Create the array's record, or publish why not; the command is done with either."""
    launch = command.body
    with bind(request_id=launch.request_id):
        try:
            array = accept(launch, owner=command.owner, now=world.clock.now(), terms=terms(world))
            if not await _exists(world, array):
                _check_request(world, array)
                check_in_time(launch, sent_at=command.sent_at, now=world.clock.now())
                check_reachable(world)
                check_runnable(world, launch.spec)
                if world.settings.dns_backend == NO_NAMES:
                    check_nameless(launch.spec)
                else:
                    check_names(array, world.fleet.arrays().values())
                array = await kept_within(world, array)
                await _create(world, array, job_of(launch.spec))
        except (Rejected, Conflict) as refusal:
            await _publish_rejection(world, command, refusal)


async def on_buried_launch(buried: Buried, world: World) -> None:
    """Answer a launch that was put aside, when it says enough to be answered."""
    try:
        sent = msgspec.json.decode(buried.body, type=_Addressed)
        name = check_name(sent.spec.name)
        launch = Launch(request_id=check_request_id(sent.request_id), spec=LaunchSpec(name=name))
    except (msgspec.MsgspecError, Rejected, ValueError):
        _log.warning("launch without a sender", reason=buried.rejection.message)
        return
    command = Command(
        body=launch,
        subject=buried.subject,
        owner=buried.owner,
        message_id=buried.message_id,
        delivered=1,
        sent_at=world.clock.now(),
    )
    refusal = buried.rejection
    if refusal.code in CRASHES:
        refusal = Rejected(
            f"the launcher can't take this request: it {refusal.message}; its log says more",
            code=refusal.code,
        )
    await _publish_rejection(world, command, refusal)


async def on_terminate(command: Command[Terminate], world: World) -> None:
    """Write that the array is being ended; a second time changes nothing."""
    wanted = command.body.array_id
    if not is_array_id(wanted):
        raise Rejected(f"array_id={wanted[:_LONGEST_REASON]!r} is none", field="array_id")
    if command.body.not_after is not None and world.clock.now() > command.body.not_after:
        raise Rejected("the command was not taken in time", field="not_after", code="expired")
    reason = (command.body.reason or f"{command.owner} asked for it")[:_LONGEST_REASON]

    def change(array: Array) -> Array:
        if array.ending is not None or array.state.is_over:
            return array
        return end(array, reason, now=world.clock.now())

    with bind(array_id=wanted):
        after = await write_array(world, wanted, change)
        _log.info("terminate", state=after.state, reason=reason)


def terms(world: World) -> Terms:
    """Return what this deployment grants to a launch."""
    settings = world.settings
    return Terms(
        deployment=world.deployment,
        limits=Limits(
            count=settings.max_count, ttl=settings.max_ttl, no_ttl=settings.allow_no_ttl
        ),
        default_ttl=settings.default_ttl,
    )


def check_reachable(world: World) -> None:
    """Raise `Rejected` when machines could never reach the bus of this control plane."""
    if not world.aws.is_local and not world.settings.bus_advertise:
        raise Rejected(
            "machines on AWS can't reach this bus: set SPAWN_BUS_ADVERTISE=tls://host:port, an"
            " address of this host that they can dial, and start spawn up again",
            field="SPAWN_BUS_ADVERTISE",
            code="bus-unreachable",
        )


def check_runnable(world: World, spec: LaunchSpec) -> None:
    """Raise `Rejected` when a launch needs the agent and there is none to hand out."""
    needs = {
        "command": bool(spec.command),
        "user_data": bool(spec.user_data),
        "wait_for": spec.wait_for is WaitFor.AGENT,
    }
    field = next((name for name, is_needed in needs.items() if is_needed), "")
    if world.agent is None and field:
        raise Rejected(
            f"{field}: this control plane has no agent for its machines, which run nothing then:"
            " unset SPAWN_AGENT_FILE, or set it to what `make agent` builds, and start spawn up"
            " again; or launch without it",
            field=field,
            code="no-agent",
        )


class _Named(msgspec.Struct):
    name: str


class _Addressed(msgspec.Struct):
    """As much of a launch as is needed to say to whom it is refused."""

    request_id: str
    spec: _Named


async def _create(world: World, array: Array, job: JobSpec) -> None:
    try:
        await _claim_name(world, array)
        await _keep_job(world, array, job)
        await create_array(world, array)
    except (Conflict, NotFound) as raced:
        raise Transient(f"{array.id}: another request was first, look again") from raced
    _log.info("accepted", array_id=array.id, size=array.size, region=array.region)


async def _exists(world: World, array: Array) -> bool:
    try:
        existing = await world.stores.arrays.get(array.id)
    except NotFound:
        return False
    check_same(existing.value, array)
    world.fleet.note_array(existing)
    return True


def _check_request(world: World, array: Array) -> None:
    """Raise `Conflict` when the request has made an array of another name, as far as is known."""
    for other in world.fleet.arrays().values():
        if (other.owner, other.request_id) == (array.owner, array.request_id):
            check_same(other, array)


async def _keep_job(world: World, array: Array, job: JobSpec) -> None:
    try:
        await world.stores.specs.create(array.id, job)
    except Conflict:
        kept = await world.stores.specs.get(array.id)
        await world.stores.specs.update(array.id, job, kept.revision)


async def _claim_name(world: World, array: Array) -> None:
    key, now = name_key(array.name), world.clock.now()
    claim = NameClaim(array.id, now)
    try:
        await world.stores.names.create(key, claim)
    except Conflict:
        held = await world.stores.names.get(key)
        if held.value.array_id == array.id:
            return
        await _check_free(world, array.name, held.value, now)
        await world.stores.names.update(key, claim, held.revision)


async def _check_free(world: World, name: str, held: NameClaim, now: datetime) -> None:
    try:
        holder = (await world.stores.arrays.get(held.array_id)).value
    except NotFound:
        if now - held.claimed_at < _CLAIM_PATIENCE:
            raise Transient(f"{name} is being claimed by {held.array_id}") from None
        return
    if not holder.state.is_over:
        raise name_taken(name, holder)


def _check_address(launch: Launch, refusal: Rejected | Conflict) -> None:
    """Raise `Undeliverable` when no array can have this name: no event can be about it."""
    try:
        check_name(launch.spec.name)
        check_request_id(launch.request_id)
    except Rejected:
        raise Undeliverable(refusal.message, code="unaddressed") from refusal


async def _publish_rejection(
    world: World, command: Command[Launch], refusal: Rejected | Conflict
) -> None:
    launch = command.body
    _check_address(launch, refusal)
    named = array_id(
        deployment=world.deployment,
        owner=command.owner,
        request_id=launch.request_id,
        name=launch.spec.name,
    )
    known = world.fleet.array(named)
    data = ArrayRejected(
        request_id=launch.request_id,
        name=launch.spec.name,
        code=refusal.code,
        message=refusal.message,
        field=refusal.field if isinstance(refusal, Rejected) else "request_id",
        array_lives=known is not None and not known.value.state.is_over,
    )
    event = rejected_event(
        named,
        data,
        deployment=world.deployment,
        message_id=command.message_id,
        now=world.clock.now(),
    )
    await world.events.publish(event)
    metrics.LAUNCHES.labels("rejected").inc()
    metrics.FAILURES.labels(refusal.code).inc()
    _log.info("rejected", array_id=named, code=refusal.code, reason=refusal.message)
