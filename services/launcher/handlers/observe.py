"""The observer: one look at a region for all arrays, whose cost does not grow with their number.

While members are in transition it lists only this deployment's instances in passing states and
asks by id for those that have left them; all instances are looked at every 30 s.
"""

import asyncio
from datetime import timedelta

from services.launcher import metrics
from services.launcher.handlers.sweep import (
    by_id,
    living_members,
    record_sighting,
    survey_all,
)
from services.launcher.model import Sighting
from services.launcher.plan.survey import (
    Hidden,
    Survey,
    note_hidden,
    plan_survey,
    to_ask_by_id,
    with_news,
)
from services.launcher.ports import World
from spawn.bus.ports import Fence
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Described
from spawn.errors import Outcome, first_outcome
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
                group.create_task(_observe_while_ours(world, region, watched))
            await world.clock.sleep(world.settings.pending_poll)


def regions(world: World) -> set[str]:
    """Return the regions that records name or settings ask for.

    What an array has left behind may show itself once it is over; a rejected one has made nothing.
    """
    named = {
        array.region
        for array in world.fleet.arrays().values()
        if array.state is not ArrayState.REJECTED
    }
    return named | set(world.settings.regions)


async def _observe_while_ours(world: World, region: str, watched: set[str]) -> None:
    with bind(region=region):
        # A region that AWS does not have stays only until its array is rejected for it.
        while region in regions(world):
            try:
                async with world.fences.hold(f"observe.{region}") as fence:
                    if fence is not None:
                        await Observer(world, region).run(fence)
            except* Outcome as outcomes:
                _log.warning("look again", why=first_outcome(outcomes).message)
            except* Exception:  # noqa: BLE001 - counted and logged with its trace
                # One region that can't be read must not blind us in the others.
                metrics.OBSERVER_FAILURES.inc()
                _log.exception("observer failed")
            await world.clock.sleep(_POLL)
    watched.discard(region)
    # Otherwise it would seem to be neglected from now on.
    metrics.LOOKED.remove(region)


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
            answering = await self.look()
            # An answer that takes long, of many instances, is followed by half as long a pause.
            await clock.sleep(max(settings.pending_poll, answering / 2))

    async def look(self) -> timedelta:
        """Look at what is expected to change, and record what has.

        Returns how long EC2's answers took, our reading of them included.
        """
        world, now = self._world, self._world.clock.now()
        arrays = world.fleet.living(self._region)
        survey = plan_survey(arrays, living_members(world, arrays), self._region, now=now)
        if not survey.members:
            return timedelta(0)
        listed = await self._list(survey)
        ids = to_ask_by_id(survey, listed, self._hidden, now=now)
        by_id = await self._ask(survey, ids)
        self._hidden = note_hidden(
            self._hidden,
            ids,
            with_news(survey, (*listed.values(), *by_id.values())),
            first_pause=world.settings.pending_poll,
            now=now,
        )
        sighting = Sighting(region=self._region, listed=listed | by_id, asked=frozenset(ids))
        answered = world.memory.seen[self._region] = world.clock.now()
        await record_sighting(world, survey.members, sighting, now=answered)
        return answered - now

    async def _list(self, survey: Survey) -> dict[InstanceId, Described]:
        world = self._world
        world.memory.count(survey.array_ids, "DescribeInstances")
        found = await world.aws.ec2(self._region).describe_instances(
            tags={"spawn:deployment": world.deployment}, states=survey.states
        )
        return by_id(found)

    async def _ask(
        self, survey: Survey, ids: tuple[InstanceId, ...]
    ) -> dict[InstanceId, Described]:
        if not ids:
            return {}
        self._world.memory.count(survey.array_ids, "DescribeInstances")
        return by_id(await self._world.aws.ec2(self._region).describe_instances(ids=ids))
