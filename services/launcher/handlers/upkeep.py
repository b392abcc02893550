"""Upkeep: old records, the share of AWS's limits, and gauges."""

from collections import Counter

from services.launcher import metrics
from services.launcher.apply.release import delete_records, release
from services.launcher.handlers.observe import regions
from services.launcher.plan.paid import count_paid
from services.launcher.ports import World
from spawn.contracts.arrays import ArrayState
from spawn.contracts.members import MemberState
from spawn.telemetry.metrics import replace


async def purge(world: World) -> None:
    """Delete the records of arrays that were over long ago."""
    now = world.clock.now()
    for array in world.fleet.arrays().values():
        ended = array.ending.at if array.ending else array.accepted_at
        if array.state.is_over and now - ended > world.settings.keep_records:
            # Again: a crash may have come between its last state and its release.
            await release(world, array)
            await delete_records(world, array)


async def share_limits(world: World) -> None:
    """Take this replica's share of the rates that AWS allows to the account."""
    replicas = await world.count_replicas()
    for region in regions(world):
        world.aws.ec2(region).pacer.set_share(replicas)


async def measure(world: World) -> None:
    """Set the gauges."""
    arrays = world.fleet.arrays().values()
    states = Counter(array.state for array in arrays if not array.state.is_over)
    for state in ArrayState:
        if not state.is_over:
            metrics.ARRAYS.labels(state).set(states[state])
    held = [
        (array.owner, member)
        for array in arrays
        if not array.state.is_over
        for member in world.fleet.members(array.id).values()
    ]
    members = Counter(member.state for _, member in held)
    for state in MemberState:
        metrics.MEMBERS.labels(state).set(members[state])
    instances = ((owner, each) for owner, member in held for each in member.instances)
    replace(metrics.INSTANCES, count_paid(instances))
