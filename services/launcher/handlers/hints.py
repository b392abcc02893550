"""Hints: the cloud says that instances have changed, and they are looked at without waiting."""

from collections import defaultdict
from datetime import timedelta

from services.launcher.handlers.sweep import by_id, record_sighting
from services.launcher.model import Sighting
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.notices import Look

_GATHER = timedelta(milliseconds=200)
"""How long hints are gathered, so that one call looks at many instances."""

_MOST = 500
"""Instances that one call looks at."""


async def on_look(command: Command[Look], world: World) -> None:
    """Have an instance be looked at soon, together with others."""
    hinted = command.body
    world.memory.hinted[hinted.instance_id] = hinted.array_id
    world.memory.hint_came.set()


async def look_at_hinted(world: World) -> None:
    """Look at what was hinted at; runs until it is cancelled."""
    await world.fleet.known()
    while True:
        await world.memory.hint_came.wait()
        await world.clock.sleep(_GATHER)
        await look(world, _take(world))


async def look(world: World, hinted: dict[InstanceId, ArrayId]) -> None:
    """Ask EC2 for instances of ours, and record what has changed. Raises an `Outcome`."""
    by_region: dict[str, dict[InstanceId, ArrayId]] = defaultdict(dict)
    for instance_id, array_id in hinted.items():
        array = world.fleet.array(array_id)
        if array is not None and world.fleet.holder(array_id, instance_id) is not None:
            by_region[array.value.region][instance_id] = array_id
    for region, ours in by_region.items():
        found = await world.aws.ec2(region).describe_instances(ids=tuple(ours))
        members = {
            (array_id, member.rank): member
            for instance_id, array_id in ours.items()
            if (member := world.fleet.holder(array_id, instance_id)) is not None
        }
        sighting = Sighting(region=region, listed=by_id(found), asked=frozenset(ours))
        await record_sighting(world, members.values(), sighting, now=world.clock.now())


def _take(world: World) -> dict[InstanceId, ArrayId]:
    """Return what has waited longest, and forget it: a sweep sees what is lost here."""
    memory = world.memory
    taken = dict(list(memory.hinted.items())[:_MOST])
    for instance_id in taken:
        del memory.hinted[instance_id]
    if not memory.hinted:
        memory.hint_came.clear()
    return taken
