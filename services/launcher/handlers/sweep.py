"""One look at every instance of ours in a region: what has changed, and what nobody claims."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from services.launcher import metrics
from services.launcher.apply.adoption import adopt_instances
from services.launcher.apply.instances import end_unclaimed
from services.launcher.apply.records import write_members
from services.launcher.model import Sighting
from services.launcher.plan.observation import observe
from services.launcher.plan.orphans import judge, with_lease
from services.launcher.ports import World
from spawn.contracts.arrays import MARK_KEY, Array, DeploymentMark
from spawn.contracts.ids import ArrayId, InstanceId, is_array_id
from spawn.contracts.instances import Described, InstanceState
from spawn.contracts.launches import Finding
from spawn.contracts.members import Member
from spawn.errors import Conflict, NotFound
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def survey_all(world: World, region: str, *, act: bool) -> tuple[Finding, ...]:
    """Look at every instance of ours in a region; record changes and judge the unknown.

    With `act` verdicts are carried out; instances are ended only once this deployment's mark
    stands in the bucket, which says that its records were not lost.
    """
    listed = await world.aws.ec2(region).describe_instances(
        tags={"spawn:deployment": world.deployment}
    )
    found = by_id(with_lease(each, world.settings.max_ttl) for each in listed)
    world.memory.seen[region] = world.clock.now()
    arrays = world.fleet.arrays()
    here = (array.id for array in arrays.values() if array.region == region)
    members = list(living_members(world, here))
    ids = _claimed(members)
    sighting = Sighting(region=region, listed=found, asked=ids)
    now = world.clock.now()
    if act:
        await record_sighting(world, members, sighting, now=now)
    findings = await _judge(world, region, (d for id_, d in found.items() if id_ not in ids))
    if act:
        await _carry_out(world, region, findings, found)
        metrics.LOOKED.labels(region).set(now.timestamp())
    return findings


async def _judge(world: World, region: str, unclaimed: Iterable[Described]) -> tuple[Finding, ...]:
    by_array: dict[ArrayId, list[Described]] = defaultdict(list)
    for described in unclaimed:
        if not described.instance.state.is_going:
            by_array[ArrayId(described.tags.get("spawn:array-id", ""))].append(described)
    findings: list[Finding] = []
    for array_id, group in by_array.items():
        # The copy may lag behind: before an instance counts as unknown the bucket is asked.
        array, held = await _read(world, array_id)
        known = _claimed(held.values())
        now = world.clock.now()
        findings += (
            judge(described, array, held, region=region, now=now)
            for described in group
            if described.instance.id not in known
        )
    return tuple(findings)


def _claimed(members: Iterable[Member]) -> frozenset[InstanceId]:
    """Return the instances that members have, and earlier ones that may still be there.

    An ended member has none of its own, whatever EC2 lists.
    """
    members = tuple(members)
    own = {each.instance.id for each in members if not each.is_over}
    formers = (former.instance for each in members for former in each.formers)
    left = {each.id for each in formers if each.state is not InstanceState.TERMINATED}
    return frozenset(own | left)


async def _read(world: World, array_id: ArrayId) -> tuple[Array | None, dict[int, Member]]:
    if not is_array_id(array_id):
        return None, {}
    try:
        array = (await world.stores.arrays.get(array_id)).value
    except NotFound:
        return None, {}
    members = await world.stores.members.load(f"{array_id}.*")
    return array, {entry.value.rank: entry.value for entry in members.values()}


async def _carry_out(
    world: World,
    region: str,
    findings: tuple[Finding, ...],
    found: dict[InstanceId, Described],
) -> None:
    adopted = [found[each.instance_id] for each in findings if each.verdict == "adopt"]
    if adopted:
        await adopt_instances(world, region, adopted)
    if not await _is_marked(world):
        return
    for each in findings:
        metrics.UNCLAIMED.labels(each.verdict).inc()
        _log.info("unclaimed instance", finding=each)
    ends = (found[each.instance_id] for each in findings if each.verdict == "end")
    await end_unclaimed(world, region, ends)


async def _is_marked(world: World) -> bool:
    """Say whether the bucket was ours before this look; mark it once adoption has run."""
    try:
        mark = (await world.stores.marks.get(MARK_KEY)).value
    except NotFound:
        try:
            await world.stores.marks.create(MARK_KEY, DeploymentMark(world.deployment))
        except Conflict:
            _log.info("marked by another replica")
        return False
    return mark.deployment == world.deployment


async def record_sighting(
    world: World, members: Iterable[Member], sighting: Sighting, *, now: datetime
) -> None:
    """Write what a look has changed."""
    changes = tuple(observe(members, sighting, world.fleet.arrays(), now=now))
    if changes:
        await write_members(world, changes)


def living_members(world: World, arrays: Iterable[ArrayId]) -> Iterable[Member]:
    """Yield the members of arrays, those that have ended included."""
    return (member for array_id in arrays for member in world.fleet.members(array_id).values())


def by_id(found: Iterable[Described]) -> dict[InstanceId, Described]:
    """Index what EC2 listed."""
    return {each.instance.id: each for each in found}
