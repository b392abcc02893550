"""Calls to EC2 that stop and start instances."""

from services.launcher.apply.records import write_members
from services.launcher.model import MemberChange, SetPower
from services.launcher.plan.observation import note_power
from services.launcher.ports import World
from spawn.aws.shapes import Powered
from spawn.contracts.arrays import Array
from spawn.contracts.ids import InstanceId
from spawn.contracts.power import PowerTo
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def set_power(world: World, array: Array, step: SetPower) -> dict[InstanceId, str]:
    """Ask EC2 to stop or start instances; return why it refused which, the observer sees the rest.

    What it says at once is recorded at once: a request that comes next must not take a machine
    for what it was before this one.
    """
    answer = await _call(world, array, step)
    changes: list[MemberChange] = []
    for instance_id, state in answer.states.items():
        member = world.fleet.holder(array.id, instance_id)
        if member is None or member.instance.id != instance_id:
            # It has got a successor meanwhile, of which the answer says nothing.
            continue
        change = note_power(member, state, array, world.clock.now())
        if change is not None:
            changes.append(change)
    await write_members(world, changes)
    for instance_id, outcome in answer.refused.items():
        _log.warning("not powered", instance_id=instance_id, to=step.to, why=outcome.message)
    return {instance_id: outcome.message for instance_id, outcome in answer.refused.items()}


async def _call(world: World, array: Array, step: SetPower) -> Powered:
    ec2 = world.aws.ec2(array.region)
    if step.to is PowerTo.RUNNING:
        world.memory.count((array.id,), "StartInstances")
        return await ec2.start_instances(step.instance_ids)
    world.memory.count((array.id,), "StopInstances")
    hibernates = step.to is PowerTo.HIBERNATED
    return await ec2.stop_instances(step.instance_ids, hibernate=hibernates)
