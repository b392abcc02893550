"""Calls to EC2 for instances that there are: end them, have their tags tell of a lease."""

from collections.abc import Iterable

from services.launcher.apply.records import write_array, write_members
from services.launcher.model import Tag
from services.launcher.plan.acceptance import UNKNOWN_SPEC
from services.launcher.plan.own_leases import tagged
from services.launcher.plan.settlement import advance
from services.launcher.ports import World
from spawn.contracts.arrays import Array
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Described
from spawn.contracts.leases import LEASE_TAG, format_instant
from spawn.errors import Outcome, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def end_instances(world: World, array: Array, instance_ids: Iterable[InstanceId]) -> None:
    """Ask EC2 to end instances; the observer confirms it.

    First those spot requests go that would have others in their place
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminate-spot-instance.html).
    Raises `Transient` with nothing ended when they can't be told so just now.
    """
    ids = tuple(instance_ids)
    if _may_return(array):
        await _cancel(world, array, _requests(world, array, ids))
    world.memory.count((array.id,), "TerminateInstances")
    await world.aws.ec2(array.region).terminate_instances(ids)


async def cancel_left(world: World, array: Array) -> None:
    """Cancel the spot requests of an array that has ended: who was ended by others has one still.

    Raises `Transient` when they can't be cancelled just now.
    """
    if _may_return(array):
        members = world.fleet.members(array.id).values()
        instances = (each for member in members for each in member.instances)
        left = [each.spot_request for each in instances if each.spot_request]
        await _cancel(world, array, left)


def _may_return(array: Array) -> bool:
    # What an adopted array was launched with is not known.
    return array.spec.stays or array.spec_hash == UNKNOWN_SPEC


async def end_unclaimed(world: World, region: str, found: Iterable[Described]) -> None:
    """Ask EC2 to end instances that no record accounts for, their spot requests first.

    One whose request can't be cancelled just now is left to the next look.
    """
    ids = [
        each.instance.id
        for each in found
        if not each.instance.spot_request
        or await _cancel_one(world, region, each.instance.spot_request)
    ]
    if ids:
        await world.aws.ec2(region).terminate_instances(ids)


async def _cancel_one(world: World, region: str, request: str) -> bool:
    """Cancel a request by itself, since one that is not ours to cancel would keep the others."""
    try:
        await world.aws.ec2(region).cancel_spot_requests([request])
    except Outcome as outcome:
        _log.warning("spot request not cancelled", request=request, why=outcome.message)
        return not isinstance(outcome, Transient)
    return True


def _requests(world: World, array: Array, ids: Iterable[InstanceId]) -> list[str]:
    """Return the spot requests of instances, those of a rank's earlier ones included."""
    found: list[str] = []
    for id_ in ids:
        holder = world.fleet.holder(array.id, id_)
        instances = holder.instances if holder is not None else ()
        found += [each.spot_request for each in instances if each.id == id_ and each.spot_request]
    return found


async def _cancel(world: World, array: Array, requests: list[str]) -> None:
    if not requests:
        return
    world.memory.count((array.id,), "CancelSpotInstanceRequests")
    try:
        await world.aws.ec2(array.region).cancel_spot_requests(requests)
    except Transient:
        # Ended now they would be made again, and nobody would know: both are tried once more.
        raise
    except Outcome as outcome:
        # Instances have to end all the same: what comes in their place is met by the sweep.
        _log.warning("spot requests not cancelled", array_id=array.id, why=outcome.message)


async def tag_lease(world: World, array: Array, tag: Tag) -> bool:
    """Have the tags of instances tell of a lease; False when that is to be tried again."""
    lease, tags = tag.lease, {LEASE_TAG: format_instant(tag.lease.until)}
    try:
        if tag.instance_ids:
            world.memory.count((array.id,), "CreateTags")
            await world.aws.ec2(array.region).create_tags(tag.instance_ids, tags)
    except Outcome as outcome:
        # The tag is for the day on which all records are lost: nothing waits for it.
        _log.warning("lease not in the tags", array_id=array.id, why=outcome.message)
        return False
    if tag.ranks:
        members = world.fleet.members(array.id)
        changes = (tagged(members[rank], lease) for rank in tag.ranks)
        await write_members(world, (each for each in changes if each is not None))
        return True
    await write_array(
        world,
        array.id,
        lambda now: advance(now, world.clock.now(), retag=False) if now.lease == lease else now,
    )
    return True
