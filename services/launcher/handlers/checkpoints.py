"""Checkpoints that somebody asks for, beside the job."""

import secrets

from services.launcher.plan.rendezvous import answering
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.assignments import Tell, tell_subject
from spawn.contracts.checkpoints import CheckpointAsked, CheckpointRequest
from spawn.errors import Rejected


async def on_checkpoint(request: Request[CheckpointRequest], world: World) -> CheckpointAsked:
    """Tell machines to run their checkpoint script; raise `Rejected` when there is none."""
    body = request.body
    entry = world.fleet.array(body.array_id) or await world.stores.arrays.get(body.array_id)
    array = entry.value
    if array.checkpoint_script is None:
        raise Rejected(
            f"checkpoint_script: {array.name} was launched without one", field="checkpoint_script"
        )
    able = answering(array, world.fleet.members(array.id), body.ranks)
    request_id = secrets.token_hex(8)
    tell = Tell(what="checkpoint", request_id=request_id)
    for member in able:
        await world.tells.tell(tell_subject(array.id, member.instance.id), tell)
    return CheckpointAsked(request_id=request_id, ranks=tuple(each.rank for each in able))
