"""A launch with a limit of costs is accepted with a lease that keeps it, or not at all."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.handlers.commands import on_launch
from services.launcher.handlers.questions import on_plan
from services.launcher.ports import World
from spawn.bus.ports import Command, Request
from spawn.contracts.arrays import Array
from spawn.contracts.events import ArrayAccepted
from spawn.contracts.launches import API_PLAN, LOCAL_OWNER, SUBJECT_LAUNCH, Launch, LaunchSpec
from spawn.errors import Rejected
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import Fakes


@pytest.fixture
async def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
async def world(fakes: Fakes) -> World:
    return fakes.world()


def a_spec(**changes: Any) -> LaunchSpec:
    spec = LaunchSpec(name="web", region=REGION, count=10, instance_types=("m7i.large",))
    return msgspec.structs.replace(spec, **changes)


async def launch(fakes: Fakes, world: World, spec: LaunchSpec) -> list[Array]:
    command = Command(
        body=Launch(request_id="one", spec=spec),
        subject=SUBJECT_LAUNCH,
        owner=LOCAL_OWNER,
        message_id="one",
        delivered=1,
        sent_at=fakes.clock.now(),
    )
    await on_launch(command, world)
    return [entry.value for entry in (await world.stores.arrays.load("*")).values()]


async def test_the_lease_ends_before_the_limit_is_spent(fakes: Fakes, world: World) -> None:
    (array,) = await launch(fakes, world, a_spec(max_cost=1.008))
    assert array.lease.until == fakes.clock.now() + timedelta(minutes=59)
    (event,) = array.outbox
    assert isinstance(event.data, ArrayAccepted)
    assert event.data.lease == array.lease


async def test_a_shorter_lease_stays_and_knows_the_limit(fakes: Fakes, world: World) -> None:
    (array,) = await launch(fakes, world, a_spec(max_cost=100.0, ttl="1h"))
    assert array.lease.until == fakes.clock.now() + timedelta(hours=1)
    assert array.lease.budget is not None
    assert array.lease.budget.usd == 100.0


async def test_without_a_limit_no_price_is_asked_for(fakes: Fakes, world: World) -> None:
    (array,) = await launch(fakes, world, a_spec())
    assert array.lease.budget is None
    assert fakes.aws.pricing().asked == 0


async def test_what_has_no_price_is_refused(fakes: Fakes, world: World) -> None:
    fakes.aws.pricing().listed.clear()
    fakes.aws.ec2(REGION).types["x9.huge"] = fakes.aws.ec2(REGION).types["m7i.large"]
    spec = a_spec(max_cost=5.0, instance_types=("x9.huge",))
    assert await launch(fakes, world, spec) == []
    with pytest.raises(Rejected, match="there is no price") as refused:
        await on_plan(Request(body=spec, subject=API_PLAN), world)
    assert refused.value.field == "max_cost"


async def test_a_plan_shows_the_lease_that_the_launch_would_have(
    fakes: Fakes, world: World
) -> None:
    plan = await on_plan(Request(body=a_spec(max_cost=1.008), subject=API_PLAN), world)
    assert plan.lease.until == fakes.clock.now() + timedelta(minutes=59)
