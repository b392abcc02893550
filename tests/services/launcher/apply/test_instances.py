"""Ending instances of persistent spot requests: EC2 is to make no others in their place."""

import msgspec
import pytest

from services.launcher.apply.instances import cancel_left, end_instances, end_unclaimed
from services.launcher.handlers.drive import drive
from services.launcher.handlers.sweep import survey_all
from services.launcher.model import LEASE_GRACE
from services.launcher.plan.acceptance import UNKNOWN_SPEC
from services.launcher.plan.ladder import build_request
from services.launcher.ports import World
from spawn.aws.errors import outcome_of
from spawn.contracts.arrays import MARK_KEY, Array, ArrayState, DeploymentMark
from spawn.contracts.ids import ClientToken
from spawn.contracts.instances import Instance, InstanceState, RunInstances
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import MemberState
from spawn.contracts.pools import Market
from spawn.errors import Transient
from tests.builders import a_chunk, an_ending, an_instance, running
from tests.fakes.ec2 import REGION
from tests.services.launcher.plan.losing import SPEC, SPOT_A, a_former, serving, spot
from tests.services.launcher.worlds import Fakes, record

STAYING = serving(spec=msgspec.structs.replace(SPEC, on_expire=LeaseAction.STOP))


def of_request(number: int, request: str) -> Instance:
    return msgspec.structs.replace(an_instance(number), spot_request=request)


NOW, BEFORE = of_request(1, "sir-new"), of_request(9, "sir-old")


async def a_world(fakes: Fakes, array: Array = STAYING) -> World:
    world = fakes.world()
    successor = spot(1, generation=1, formers=(a_former(instance=BEFORE),))
    await record(world, array, msgspec.structs.replace(successor, instance=NOW))
    return world


async def test_the_request_of_a_former_goes_with_it_and_that_of_its_successor_stays() -> None:
    fakes = Fakes()
    await end_instances(await a_world(fakes), STAYING, [BEFORE.id])
    assert fakes.aws.ec2(REGION).cancelled == {"sir-old"}


async def test_those_of_an_adopted_array_are_cancelled_whatever_it_was_launched_with() -> None:
    fakes, adopted = Fakes(), serving(state=ArrayState.RECOVERED, spec_hash=UNKNOWN_SPEC)
    await end_instances(await a_world(fakes, adopted), adopted, [NOW.id])
    assert fakes.aws.ec2(REGION).cancelled == {"sir-new"}


async def test_an_instance_is_not_ended_while_its_request_would_make_another() -> None:
    fakes = Fakes()
    ec2 = fakes.aws.ec2(REGION)
    ec2.weather.faults["CancelSpotInstanceRequests"].append(outcome_of("Unavailable", "later"))
    world = await a_world(fakes)
    with pytest.raises(Transient):
        await end_instances(world, STAYING, [NOW.id])
    assert not ec2.counted["TerminateInstances"]
    await end_instances(world, STAYING, [NOW.id])
    assert ec2.cancelled == {"sir-new"}
    assert ec2.counted["TerminateInstances"] == 1


async def test_what_may_not_be_cancelled_is_ended_all_the_same() -> None:
    fakes = Fakes()
    ec2 = fakes.aws.ec2(REGION)
    refusal = outcome_of("UnauthorizedOperation", "not yours", status=403)
    ec2.weather.faults["CancelSpotInstanceRequests"].append(refusal)
    await end_instances(await a_world(fakes), STAYING, [NOW.id])
    assert ec2.counted["TerminateInstances"] == 1


async def test_strays_on_spot_go_with_their_requests() -> None:
    fakes = Fakes()
    ec2, world = fakes.aws.ec2(REGION), fakes.world()
    requests = [a_request(ClientToken(name), Market.SPOT) for name in ("a", "b")]
    strays = [one for each in requests for one in await ec2.run_instances(each)]
    ec2.weather.faults["CancelSpotInstanceRequests"].append(outcome_of("Unavailable", "later"))
    await end_unclaimed(world, REGION, strays)
    left = [one.instance.state.is_going for one in await ec2.describe_instances()]
    assert left == [False, True]
    await end_unclaimed(world, REGION, strays[:1])
    assert ec2.cancelled == {one.instance.spot_request for one in strays}
    assert all(one.instance.state.is_going for one in await ec2.describe_instances())


async def test_one_time_requests_are_left() -> None:
    fakes, once = Fakes(), serving()
    await end_instances(await a_world(fakes, once), once, [BEFORE.id])
    assert fakes.aws.ec2(REGION).cancelled == frozenset()


async def test_an_array_that_is_over_leaves_no_request_of_who_was_ended_from_outside() -> None:
    fakes = Fakes()
    world = fakes.world()
    ended = running(
        1, instance=an_instance(1, state=InstanceState.TERMINATED, spot_request="sir-left")
    )
    over = msgspec.structs.replace(STAYING, state=ArrayState.TERMINATED)
    await record(world, over, ended)
    await cancel_left(world, over)
    assert fakes.aws.ec2(REGION).cancelled == {"sir-left"}


async def test_an_array_is_not_over_before_what_it_leaves_is_cancelled() -> None:
    fakes = Fakes()
    ec2 = fakes.aws.ec2(REGION)
    ec2.weather.faults["CancelSpotInstanceRequests"].append(outcome_of("Unavailable", "later"))
    world = fakes.world()
    ended = running(1, instance=an_instance(1, state=InstanceState.TERMINATED, spot_request="sir"))
    ended = msgspec.structs.replace(ended, state=MemberState.LOST)
    ending = msgspec.structs.replace(STAYING, state=ArrayState.TERMINATING, ending=an_ending())
    await record(world, ending, ended)
    with pytest.raises(ExceptionGroup) as raised:
        await drive(world, ending.id)
    assert raised.group_contains(Transient)
    assert (await world.stores.arrays.get(ending.id)).value.state is ArrayState.TERMINATING
    await drive(world, ending.id)
    assert ec2.cancelled == {"sir"}
    assert (await world.stores.arrays.get(ending.id)).value.state is ArrayState.TERMINATED


async def test_what_the_sweep_ends_is_not_made_again() -> None:
    fakes = Fakes()
    world, ec2, array = fakes.world(), fakes.aws.ec2(REGION), STAYING
    await world.stores.marks.create(MARK_KEY, DeploymentMark("test"))
    pool = msgspec.structs.replace(SPOT_A, subnet_id=ec2.networks[0].id)
    (made,) = await ec2.run_instances(build_request(array, a_chunk("0"), pool))
    fakes.clock.move(array.lease.until + LEASE_GRACE - fakes.clock.now())
    (found,) = await survey_all(world, REGION, act=True)
    assert (found.verdict, ec2.living()) == ("end", [])
    assert ec2.cancelled == {made.instance.spot_request}


def a_request(token: ClientToken, market: Market) -> RunInstances:
    return RunInstances(
        region=REGION,
        client_token=token,
        image_id="ami-1",
        instance_type="m7i.large",
        subnet_id="subnet-1",
        security_group_ids=(),
        market=market,
        min_count=1,
        max_count=1,
        tags={},
        lease_action=LeaseAction.STOP,
    )
