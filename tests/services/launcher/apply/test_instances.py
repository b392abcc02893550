"""Ending instances of persistent spot requests: EC2 is to make no others in their place."""

import msgspec
import pytest

from services.launcher.apply.instances import cancel_left, end_instances
from services.launcher.handlers.drive import drive
from services.launcher.handlers.sweep import survey_all
from services.launcher.model import LEASE_GRACE
from services.launcher.plan.acceptance import UNKNOWN_SPEC
from services.launcher.plan.ladder import build_request
from spawn.aws.errors import outcome_of
from spawn.contracts.arrays import MARK_KEY, Array, ArrayState, DeploymentMark
from spawn.contracts.instances import InstanceState
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import MemberState
from spawn.errors import Transient
from tests.builders import a_chunk, an_ending, an_instance, running
from tests.fakes.ec2 import REGION
from tests.services.launcher.plan.losing import SPEC, SPOT_A, a_former, serving
from tests.services.launcher.worlds import Fakes, record

STAYING = msgspec.structs.replace(SPEC, idle_timeout="1h", idle_action=LeaseAction.STOP)


def staying() -> Array:
    return serving(spec=STAYING)


async def cancelled(array: Array) -> frozenset[str]:
    """Return the requests that are cancelled when a rank's former instance is ended."""
    fakes = Fakes()
    world = fakes.world()
    before = msgspec.structs.replace(a_former().instance, spot_request="sir-before")
    member = running(
        1,
        generation=1,
        instance=an_instance(1, spot_request="sir-now"),
        formers=(a_former(instance=before),),
    )
    await record(world, array, member)
    await end_instances(world, array, [before.id])
    return fakes.aws.ec2(REGION).cancelled


async def test_a_former_s_own_request_is_cancelled_and_its_successor_s_stands() -> None:
    assert await cancelled(staying()) == {"sir-before"}


async def test_those_of_an_adopted_array_are_whatever_it_was_launched_with() -> None:
    adopted = serving(state=ArrayState.RECOVERED, spec_hash=UNKNOWN_SPEC)
    assert await cancelled(adopted) == {"sir-before"}


async def test_one_time_requests_are_left() -> None:
    assert await cancelled(serving()) == frozenset()


async def test_an_array_that_is_over_leaves_no_request_of_who_was_ended_from_outside() -> None:
    fakes = Fakes()
    world = fakes.world()
    ended = running(
        1, instance=an_instance(1, state=InstanceState.TERMINATED, spot_request="sir-left")
    )
    over = msgspec.structs.replace(staying(), state=ArrayState.TERMINATED)
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
    ending = msgspec.structs.replace(staying(), state=ArrayState.TERMINATING, ending=an_ending())
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
    world, ec2, array = fakes.world(), fakes.aws.ec2(REGION), staying()
    await world.stores.marks.create(MARK_KEY, DeploymentMark("test"))
    pool = msgspec.structs.replace(SPOT_A, subnet_id=ec2.networks[0].id)
    (made,) = await ec2.run_instances(build_request(array, a_chunk("0"), pool))
    fakes.clock.move(array.lease.until + LEASE_GRACE - fakes.clock.now())
    (found,) = await survey_all(world, REGION, act=True)
    assert (found.verdict, ec2.living()) == ("end", [])
    assert ec2.cancelled == {made.instance.spot_request}
