"""The observer: one look at a region for all arrays, whose cost does not grow with their number.

While members are in transition it lists only this deployment's instances in passing states and
asks by id for those that have left them; all instances are looked at every 30 s.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from services.launcher.apply.adoption import adopt_instances
from services.launcher.apply.records import write_members
from services.launcher.model import Sighting
from services.launcher.plan.observation import observe
from services.launcher.plan.orphans import judge
from services.launcher.plan.survey import (
    Hidden,
    Survey,
    note_hidden,
    plan_survey,
    to_ask_by_id,
)
from services.launcher.ports import World
from spawn.bus.ports import Fence
from spawn.contracts.arrays import MARK_KEY, DeploymentMark
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Described
from spawn.contracts.launches import Finding
from spawn.contracts.members import Member
from spawn.errors import Conflict, NotFound, Outcome
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_POLL = timedelta(seconds=2)
"""How often a region that another replica observes, or that failed, is tried again."""


async def observe_regions(world: World) -> None:
    """Keep an observer for every region of ours; runs until it is cancelled."""
    await world.fleet.known()
    watched: set[str] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            for region in regions(world) - watched:
                watched.add(region)
                group.create_task(_observe_for_ever(world, region))
            await world.clock.sleep(world.settings.pending_poll)


def regions(world: World) -> set[str]:
    """Return the regions that records name or settings ask for."""
    named = {array.region for array in world.fleet.arrays().values() if not array.state.is_over}
    return named | set(world.settings.regions)


async def _observe_for_ever(world: World, region: str) -> None:
    with bind(region=region):
        while True:
            try:
                async with world.fences.hold(f"observe.{region}") as fence:
                    if fence is not None:
                        await Observer(world, region).run(fence)
            except* Outcome as outcomes:
                _log.warning("look again", reasons=[str(each) for each in outcomes.exceptions])
            await world.clock.sleep(_POLL)


class Observer:
    """One region under observation by this replica."""

    def __init__(self, world: World, region: str) -> None:
        self._world = world
        self._region = region
        self._hidden: dict[InstanceId, Hidden] = {}

    async def run(self, fence: Fence) -> None:
        """Look until another replica does."""
        clock, settings = self._world.clock, self._world.settings
        next_full = clock.now()
        while not fence.is_lost:
            begun = clock.now()
            if begun >= next_full:
                await survey_all(self._world, self._region, act=True)
                next_full = begun + settings.full_sweep
            await self.look()
            # A look that takes long, at many instances, is followed by as long a pause.
            await clock.sleep(max(settings.pending_poll, clock.now() - begun))

    async def look(self) -> None:
        """Look at what is expected to change, and record what has."""
        world, now = self._world, self._world.clock.now()
        arrays = world.fleet.arrays()
        survey = plan_survey(arrays, _members(world, arrays), self._region)
        if not survey.members:
            return
        listed = await self._list(survey)
        ids = to_ask_by_id(survey, listed, self._hidden, now=now)
        by_id = await self._ask(survey, ids)
        self._hidden = note_hidden(
            self._hidden,
            ids,
            by_id,
            first_pause=world.settings.pending_poll,
            now=now,
        )
        sighting = Sighting(region=self._region, listed=listed | by_id, asked=frozenset(ids))
        await _record(world, survey.members, sighting, now=world.clock.now())

    async def _list(self, survey: Survey) -> dict[InstanceId, Described]:
        world = self._world
        world.memory.count(survey.array_ids, "DescribeInstances")
        found = await world.aws.ec2(self._region).describe_instances(
            tags={"spawn:deployment": world.deployment}, states=survey.states
        )
        return _by_id(found)

    async def _ask(
        self, survey: Survey, ids: tuple[InstanceId, ...]
    ) -> dict[InstanceId, Described]:
        if not ids:
            return {}
        self._world.memory.count(survey.array_ids, "DescribeInstances")
        return _by_id(await self._world.aws.ec2(self._region).describe_instances(ids=ids))


async def survey_all(world: World, region: str, *, act: bool) -> tuple[Finding, ...]:
    """Look at every instance of ours in a region; record changes and judge the unknown.

    With `act` verdicts are carried out; instances are ended only once this deployment's mark
    stands in the bucket, which says that its records were not lost.
    """
    found = _by_id(
        await world.aws.ec2(region).describe_instances(tags={"spawn:deployment": world.deployment})
    )
    arrays = world.fleet.arrays()
    members = [each for each in _members(world, arrays) if arrays[each.array_id].region == region]
    ids = frozenset(member.instance.id for member in members)
    sighting = Sighting(region=region, listed=found, asked=ids)
    now = world.clock.now()
    if act:
        await _record(world, members, sighting, now=now)
    findings = await _judge(world, region, (d for id_, d in found.items() if id_ not in ids))
    if act:
        await _carry_out(world, region, findings, found)
    return findings


async def _judge(world: World, region: str, unclaimed: Iterable[Described]) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for described in unclaimed:
        if described.instance.state.is_going:
            continue
        array_id = ArrayId(described.tags.get("spawn:array-id", ""))
        # The copy may lag behind: before an instance counts as unknown the bucket is asked.
        try:
            array = (await world.stores.arrays.get(array_id or "none")).value
        except NotFound:
            array = None
        members = await world.stores.members.load(f"{array_id}.*") if array else {}
        held = {entry.value.rank: entry.value for entry in members.values()}
        if described.instance.id not in {each.instance.id for each in held.values()}:
            findings.append(judge(described, array, held, region=region, now=world.clock.now()))
    return tuple(findings)


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
        _log.info("unclaimed instance", finding=each)
    ends = [each.instance_id for each in findings if each.verdict == "end"]
    if ends:
        await world.aws.ec2(region).terminate_instances(ends)


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


async def _record(
    world: World, members: Iterable[Member], sighting: Sighting, *, now: datetime
) -> None:
    changes = tuple(observe(members, sighting, world.fleet.arrays(), now=now))
    if changes:
        await write_members(world, changes)


def _members(world: World, arrays: Iterable[ArrayId]) -> Iterable[Member]:
    return (member for array_id in arrays for member in world.fleet.members(array_id).values())


def _by_id(found: Iterable[Described]) -> dict[InstanceId, Described]:
    return {each.instance.id: each for each in found}
