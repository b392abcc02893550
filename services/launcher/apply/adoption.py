"""Making records for instances whose own were lost."""

from collections.abc import Iterable

from services.launcher.apply.records import create_array, refresh, write_members
from services.launcher.model import Adoption, MemberChange
from services.launcher.plan.orphans import adopt
from services.launcher.ports import World
from spawn.contracts.arrays import Array, NameClaim, name_key
from spawn.contracts.instances import Described
from spawn.errors import Conflict
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def adopt_instances(world: World, region: str, found: Iterable[Described]) -> None:
    """Write arrays and members as the tags of their instances say."""
    now = world.clock.now()
    for adoption in adopt(found, deployment=world.deployment, region=region, now=now):
        await _adopt(world, adoption)


async def _adopt(world: World, adoption: Adoption) -> None:
    array = adoption.array
    try:
        await create_array(world, array)
    except Conflict:
        await refresh(world, array.id)
    else:
        await _claim_name(world, array)
    written = await write_members(
        world, (MemberChange(member=each, reason="adopted") for each in adoption.members)
    )
    _log.info("adopted", array_id=array.id, members=len(written))


async def _claim_name(world: World, array: Array) -> None:
    claim = NameClaim(array.id, world.clock.now())
    try:
        await world.stores.names.create(name_key(array.name), claim)
    except Conflict:
        # Two arrays of one name were alive, or a launch took it meanwhile: ids tell them apart.
        _log.info("name is taken", name=array.name, array_id=array.id)
