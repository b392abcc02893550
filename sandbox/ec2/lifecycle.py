"""How instances come, change and go: the only place that changes a record's state."""

from collections.abc import Sequence
from typing import Any

from sandbox.ec2 import originals
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import InstanceId, Pool, Record, ReservationId
from sandbox.ec2.region import RegionState, vcpus
from sandbox.ec2.states import INITIATED, PENDING, USER, Action, Reason, State, decide
from sandbox.ec2.timeline import Errand
from sandbox.errors import AwsError
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_GIVES_BACK = frozenset({State.STOPPED, State.TERMINATED})


def adopt(cloud: Cloud, region: RegionState, reservation: Any) -> list[Record]:
    """Begin the life of every instance of a reservation that moto has made."""
    now = cloud.clock.monotonic()
    visible = now + cloud.draw(cloud.timings.invisible)
    records = [
        _record(cloud, region, reservation, model, visible) for model in reservation.instances
    ]
    region.reservations[ReservationId(reservation.id)] = records
    for record in records:
        region.records.add(record, tags=region.tags(record.id))
        _take_capacity(cloud, region, record)
        _show(record)
        cloud.on_state(region, record, State.PENDING)
        due = now + cloud.draw(cloud.timings.pending)
        cloud.timeline.add(due, region, record, State.RUNNING)
    return records


def begin(
    cloud: Cloud, region: RegionState, record: Record, action: Action, *, reason: Reason = USER
) -> State:
    """Start what `action` asks for and return the state that the record was in.

    Raises `AwsError` IncorrectInstanceState, and InsufficientInstanceCapacity for a start.
    """
    previous = record.state
    move = decide(action, previous, instance_id=record.id)
    if move is None:
        return previous
    if action == "start":
        if cloud.capacity.free(record.pool) == 0:
            raise no_capacity(record.pool)
        _take_capacity(cloud, region, record)
        originals.start(record.model)
        record.transition_reason, record.state_reason = "", PENDING
        record.launched_at = cloud.clock.now().replace(microsecond=0)
        record.interruption = record.rebalance = None
    else:
        record.transition_reason, record.state_reason = _transition(cloud, reason), reason
    _enter(cloud, region, record, move.through)
    due = cloud.clock.monotonic() + cloud.draw(_delay(cloud, move.through))
    cloud.timeline.add(due, region, record, move.to)
    return previous


def advance(cloud: Cloud, *, at_most: int) -> int:
    """Do what is due, `at_most` timers of it, and return how many."""
    now = cloud.clock.monotonic()
    done = 0
    while done < at_most and (timer := cloud.timeline.pop_due(now=now)) is not None:
        done += 1
        if isinstance(timer, Errand):
            timer.run()
            continue
        if timer.state is None:
            _forget(timer.region, timer.record)
            continue
        if timer.state in _GIVES_BACK and cloud.machines.lives(timer.record):
            cloud.held[timer.record.id] = timer
            continue
        complete(cloud, timer.region, timer.record, timer.state)
    return done


def release(cloud: Cloud, instance_id: InstanceId) -> None:
    """Let a move arrive that waited for the end of its instance's machine."""
    timer = cloud.held.pop(instance_id, None)
    if timer is None or timer.state is None or timer.generation != timer.record.generation:
        return
    complete(cloud, timer.region, timer.record, timer.state)


def power_off(cloud: Cloud, region: RegionState, record: Record) -> None:
    """Follow a machine that has powered off, by the instance's shutdown behaviour."""
    if record.state is not State.RUNNING:
        return
    stops = record.model.instance_initiated_shutdown_behavior == "stop" and not record.one_time
    begin(cloud, region, record, "stop" if stops else "terminate", reason=INITIATED)


def no_capacity(pool: Pool, *, others: Sequence[str] = ()) -> AwsError:
    """Return the error for a pool without a free place, in EC2's words."""
    if pool.market == "spot":
        text = "There is no Spot capacity available that matches your request."
    else:
        choice = f" or choosing {', '.join(others)}" if others else ""
        text = (
            f"We currently do not have sufficient {pool.instance_type} capacity in the "
            f"Availability Zone you requested ({pool.zone}). Our system will be working on "
            f"provisioning additional capacity. You can currently get {pool.instance_type} "
            "capacity by not specifying an Availability Zone in your request" + choice + "."
        )
    return AwsError("InsufficientInstanceCapacity", text, status=500)


def _record(
    cloud: Cloud, region: RegionState, reservation: Any, model: Any, visible: float
) -> Record:
    market = "spot" if model.lifecycle == "spot" else "on-demand"
    number = region.next_number()
    return Record(
        model=model,
        id=InstanceId(model.id),
        number=number,
        reservation=ReservationId(reservation.id),
        pool=Pool(market, model.instance_type, str(model.placement.zone)),
        launched_at=cloud.clock.now().replace(microsecond=0),
        visible_from=visible,
        client_token=model.client_token or "",
        vpc_id=model.vpc_id or "",
        spot_request=f"sir-{model.id[-8:]}" if market == "spot" else "",
        architecture=model.architecture or "x86_64",
        hibernates=bool(model.hibernation_options and model.hibernation_options.get("Configured")),
    )


def _transition(cloud: Cloud, reason: Reason) -> str:
    if reason.is_the_clouds:
        return reason.code
    return "" if reason is INITIATED else f"User initiated ({cloud.clock.now():%F %T} GMT)"


def _delay(cloud: Cloud, through: State) -> Any:
    timings = cloud.timings
    return {
        State.PENDING: timings.pending,
        State.STOPPING: timings.stopping,
        State.SHUTTING_DOWN: timings.shutting_down,
    }[through]


def complete(cloud: Cloud, region: RegionState, record: Record, state: State) -> None:
    """Let a move arrive at its end: `state`."""
    if state is State.RUNNING:
        record.state_reason = None
    try:
        _let_moto_follow(region, record, state)
    except Exception:  # noqa: BLE001  moto fails in many ways when what it needs was deleted
        # EC2 would not keep an instance for that, and neither may one stop all the others.
        _log.exception("moto can't follow", instance=record.id, state=state.value)
    _enter(cloud, region, record, state)
    if state is State.TERMINATED:
        due = cloud.clock.monotonic() + cloud.draw(cloud.timings.terminated_listed)
        cloud.timeline.add(due, region, record, None)


def _let_moto_follow(region: RegionState, record: Record, state: State) -> None:
    model = record.model
    if state is State.STOPPED:
        originals.stop(model)
    if state is not State.TERMINATED:
        return
    parts = [device.volume_id for _, device in model.get_block_device_mapping]
    parts.extend(nic.id for nic in model.nics.values())
    originals.terminate(model)
    _release_addresses(model)
    for part in parts:
        if part not in region.backend.volumes and part not in region.backend.enis:
            region.backend.tags.pop(part, None)


def _enter(cloud: Cloud, region: RegionState, record: Record, state: State) -> None:
    region.records.move(record, state)
    _show(record)
    if state in _GIVES_BACK and record.holds_capacity:
        record.holds_capacity = False
        cloud.capacity.give_back(record.pool)
        region.quota.used[record.pool.market] -= vcpus(record.pool.instance_type)
    cloud.on_state(region, record, state)
    cloud.machines.entered(region, record, state)


def _show(record: Record) -> None:
    """Let moto's other calls see the state."""
    model_state = record.model.instance_state
    model_state.name, model_state.code = record.state.value, record.state.code


def _take_capacity(cloud: Cloud, region: RegionState, record: Record) -> None:
    cloud.capacity.take(record.pool, 1)
    region.quota.used[record.pool.market] += vcpus(record.pool.instance_type)
    record.holds_capacity = True


def _release_addresses(model: Any) -> None:
    addresses: set[str] = model._private_ips  # noqa: SLF001  moto frees them in __del__ only
    if model.subnet_id:
        subnet = model.ec2_backend.get_subnet(model.subnet_id)
        for address in addresses:
            subnet.del_subnet_ip(address)
    addresses.clear()


def _forget(region: RegionState, record: Record) -> None:
    region.records.remove(record, tags=region.tags(record.id))
    region.backend.tags.pop(record.id, None)
    siblings = region.reservations[record.reservation]
    siblings.remove(record)
    reservation = region.backend.reservations.get(record.reservation)
    if reservation is not None:
        reservation.instances.remove(record.model)
    if not siblings:
        del region.reservations[record.reservation]
        region.backend.reservations.pop(record.reservation, None)
