from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Described, InstanceState
from spawn.contracts.pools import Market
from spawn.errors import Cause, Conflict, NotFound, Rejected, Transient
from tests.doors.aws.conftest import Door, Faithful

pytestmark = pytest.mark.door

UNKNOWN = InstanceId("i-0123456789abcdef0")


def ids_of(made: tuple[Described, ...]) -> list[InstanceId]:
    return [one.instance.id for one in made]


def all_are(state: InstanceState) -> Callable[[tuple[Described, ...]], bool]:
    return lambda found: bool(found) and all(one.instance.state is state for one in found)


async def test_what_is_launched_can_be_found(door: Door) -> None:
    request = door.request(min_count=3, max_count=3, user_data="#!/bin/sh\n")
    made = await door.ec2.run_instances(request)
    assert sorted(one.launch_index for one in made) == [0, 1, 2]
    assert {one.client_token for one in made} == {request.client_token}
    running = await door.until(all_are(InstanceState.RUNNING), ids_of(made))
    assert set(ids_of(running)) == set(ids_of(made))
    tagged = await door.ec2.describe_instances(tags=request.tags)
    assert set(ids_of(tagged)) == set(ids_of(made))
    one = running[0]
    assert one.tags.items() >= request.tags.items()
    assert (one.instance.instance_type, one.instance.subnet_id) == ("t3.micro", door.subnet_id)
    assert one.instance.market is Market.ON_DEMAND
    assert one.instance.private_ip
    assert one.instance.launched_at


async def test_a_rehearsed_launch_makes_nothing(door: Door) -> None:
    request = door.request(min_count=3, max_count=3)
    await door.ec2.rehearse(request)
    assert await door.ec2.describe_instances(tags=request.tags) == ()


async def test_a_rehearsal_is_refused_as_the_launch_would_be(faithful: Faithful) -> None:
    with pytest.raises((NotFound, Rejected)):
        await faithful.ec2.rehearse(faithful.request(subnet_id="subnet-0123456789abcdef0"))


async def test_a_spot_instance_says_so(door: Door) -> None:
    (one,) = await door.ec2.run_instances(door.request(market=Market.SPOT))
    assert one.instance.market is Market.SPOT


async def test_instances_are_found_by_state(door: Door) -> None:
    request = door.request()
    made = await door.ec2.run_instances(request)
    await door.until(all_are(InstanceState.RUNNING), ids_of(made))
    running = await door.ec2.describe_instances(tags=request.tags, states=[InstanceState.RUNNING])
    stopped = await door.ec2.describe_instances(
        tags=request.tags, states=[InstanceState.STOPPED, InstanceState.STOPPING]
    )
    assert (ids_of(running), stopped) == (ids_of(made), ())


async def test_ids_that_do_not_exist_are_left_out(door: Door) -> None:
    made = await door.ec2.run_instances(door.request())
    unknown = [InstanceId(f"i-{number:017x}") for number in range(0xF00, 0xF05)]
    found = await door.ec2.describe_instances(ids=[UNKNOWN, *ids_of(made), *unknown])
    assert ids_of(found) == ids_of(made)
    assert await door.ec2.describe_instances(ids=[UNKNOWN]) == ()


async def test_ending_is_idempotent_and_goes_to_the_end(door: Door) -> None:
    made = await door.ec2.run_instances(door.request(min_count=2, max_count=2))
    await door.until(all_are(InstanceState.RUNNING), ids_of(made))
    ended = await door.ec2.terminate_instances([UNKNOWN, *ids_of(made)])
    assert set(ended) == {UNKNOWN, *ids_of(made)}
    assert ended[UNKNOWN] is InstanceState.TERMINATED
    assert all(state.is_going for state in ended.values())
    await door.until(all_are(InstanceState.TERMINATED), ids_of(made))
    again = await door.ec2.terminate_instances(ids_of(made))
    assert set(again) == set(ids_of(made))
    assert all(state.is_going for state in again.values())


async def test_ending_nothing_is_nothing(door: Door) -> None:
    assert await door.ec2.terminate_instances([]) == {}


async def test_tags_are_added(door: Door) -> None:
    request = door.request()
    made = await door.ec2.run_instances(request)
    await door.ec2.create_tags(ids_of(made), {"spawn:lease": "2026-06-01T12:00:00Z"})
    (one,) = await door.ec2.describe_instances(ids=ids_of(made))
    assert one.tags.items() >= (request.tags | {"spawn:lease": "2026-06-01T12:00:00Z"}).items()


async def test_a_subnet_that_does_not_exist(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.ec2.run_instances(door.request(subnet_id="subnet-0123456789abcdef0"))


async def test_the_same_request_is_the_same_reservation(faithful: Faithful) -> None:
    request = faithful.request(min_count=2, max_count=2)
    made = await faithful.ec2.run_instances(request)
    again = await faithful.ec2.run_instances(request)
    assert sorted(ids_of(again)) == sorted(ids_of(made))
    assert len(await faithful.ec2.describe_instances(tags=request.tags)) == 2


async def test_the_same_token_with_another_request(faithful: Faithful) -> None:
    request = faithful.request()
    await faithful.ec2.run_instances(request)
    with pytest.raises(Conflict) as raised:
        await faithful.ec2.run_instances(
            msgspec.structs.replace(request, instance_type="t3.medium")
        )
    assert raised.value.cause is Cause.EXISTS


async def test_the_token_of_instances_that_are_gone(faithful: Faithful) -> None:
    request = faithful.request()
    made = await faithful.ec2.run_instances(request)
    await faithful.ec2.terminate_instances(ids_of(made))
    await faithful.until(all_are(InstanceState.TERMINATED), ids_of(made))
    with pytest.raises(Conflict) as raised:
        await faithful.ec2.run_instances(request)
    assert raised.value.cause is Cause.ABSENT


async def test_a_pool_gives_what_it_has(faithful: Faithful) -> None:
    faithful.faults.limit("t3.medium", 2)
    asked = {"instance_type": "t3.medium", "max_count": 3}
    with pytest.raises(Transient) as raised:
        await faithful.ec2.run_instances(faithful.request(min_count=3, **asked))
    assert raised.value.cause is Cause.CAPACITY
    assert len(await faithful.ec2.run_instances(faithful.request(**asked))) == 2


@pytest.mark.fault
async def test_a_lost_reply_is_made_good_by_the_same_request(faithful: Faithful) -> None:
    request = faithful.request(min_count=2, max_count=2)
    faithful.faults.lose_reply("RunInstances")
    with pytest.raises(Transient) as raised:
        await faithful.ec2.run_instances(request)
    assert raised.value.cause is Cause.UNREACHABLE
    made = await faithful.ec2.run_instances(request)
    found = await faithful.ec2.describe_instances(tags=request.tags)
    assert sorted(ids_of(found)) == sorted(ids_of(made))
    assert len(made) == 2


@pytest.mark.fault
async def test_a_new_instance_may_be_invisible(faithful: Faithful) -> None:
    faithful.faults.hide(timedelta(seconds=0.3))
    request = faithful.request()
    made = await faithful.ec2.run_instances(request)
    found = await faithful.until(bool, ids_of(made))
    assert ids_of(found) == ids_of(made)
