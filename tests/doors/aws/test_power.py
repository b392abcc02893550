from collections.abc import Callable

import pytest

from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Described, InstanceState, RootVolume
from spawn.contracts.leases import LeaseAction
from spawn.contracts.pools import Market
from tests.doors.aws.conftest import Door, Faithful

pytestmark = pytest.mark.door

UNKNOWN = InstanceId("i-0123456789abcdef0")
ROOT = RootVolume(device="/dev/xvda", gib=12)


def ids_of(made: tuple[Described, ...]) -> list[InstanceId]:
    return [one.instance.id for one in made]


def all_are(state: InstanceState) -> Callable[[tuple[Described, ...]], bool]:
    return lambda found: bool(found) and all(one.instance.state is state for one in found)


async def test_instances_are_stopped_and_started(door: Door) -> None:
    made = await door.ec2.run_instances(door.request(min_count=2, max_count=2))
    await door.until(all_are(InstanceState.RUNNING), ids_of(made))
    stopped = await door.ec2.stop_instances([UNKNOWN, *ids_of(made)])
    assert set(stopped.states) == set(ids_of(made))
    assert set(stopped.refused) == {UNKNOWN}
    off = await door.until(all_are(InstanceState.STOPPED), ids_of(made))
    assert not any(one.instance.is_hibernated for one in off)
    started = await door.ec2.start_instances(ids_of(made))
    assert set(started.states) == set(ids_of(made))
    await door.until(all_are(InstanceState.RUNNING), ids_of(made))


async def test_instances_hibernate_and_their_start_is_seen_by_its_time(faithful: Faithful) -> None:
    made = await faithful.ec2.run_instances(faithful.request(hibernation=ROOT))
    before = await faithful.until(all_are(InstanceState.RUNNING), ids_of(made))
    answer = await faithful.ec2.stop_instances(ids_of(made), hibernate=True)
    assert answer.refused == {}
    (off,) = await faithful.until(all_are(InstanceState.STOPPED), ids_of(made))
    assert off.instance.is_hibernated
    await faithful.ec2.start_instances(ids_of(made))
    (after,) = await faithful.until(all_are(InstanceState.RUNNING), ids_of(made))
    first, last = before[0].instance.launched_at, after.instance.launched_at
    assert first is not None
    assert last is not None
    assert last > first


async def test_what_was_not_prepared_does_not_hibernate(faithful: Faithful) -> None:
    made = await faithful.ec2.run_instances(faithful.request())
    await faithful.until(all_are(InstanceState.RUNNING), ids_of(made))
    answer = await faithful.ec2.stop_instances(ids_of(made), hibernate=True)
    assert (list(answer.refused), answer.states) == (ids_of(made), {})


async def test_the_request_of_a_spot_machine_is_cancelled_and_the_machine_goes_on(
    faithful: Faithful,
) -> None:
    request = faithful.request(market=Market.SPOT, lease_action=LeaseAction.STOP)
    made = await faithful.ec2.run_instances(request)
    (runs,) = await faithful.until(all_are(InstanceState.RUNNING), ids_of(made))
    for _ in range(2):
        await faithful.ec2.cancel_spot_requests([runs.instance.spot_request or "sir-none"])
    await faithful.until(all_are(InstanceState.RUNNING), ids_of(made))
