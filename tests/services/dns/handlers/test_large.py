"""A thousand members: few changes, soon, whether they run already or arrive."""

from datetime import timedelta

import pytest

from spawn.contracts.arrays import Array
from spawn.contracts.events import HostnameRegistered
from tests.services.dns.lives import Life
from tests.services.dns.worlds import a_member, named_array

SIZE = 1000
ARRAY = named_array(size=SIZE)


@pytest.fixture
def life() -> Life:
    one = Life()
    one.run(one.records.mark())
    one.run(one.records.put(ARRAY))
    one.zone.spread = timedelta(seconds=2)
    return one


def told_within(life: Life, begun: float) -> float:
    """Return the seconds until all were told of the last name."""
    last = [each for each in life.bus.events if isinstance(each.data, HostnameRegistered)][-1]
    return (last.time - life.clock.now()).total_seconds() + life.clock.monotonic() - begun


async def arrive(life: Life, array: Array, *, over: timedelta) -> None:
    for rank in range(SIZE):
        await life.records.put(a_member(array, rank))
        await life.clock.sleep(over / SIZE)


def test_those_that_run_already_take_few_changes(life: Life) -> None:
    life.run(arrive(life, ARRAY, over=timedelta(0)))
    begun = life.clock.monotonic()
    life.live(life.world(), lasting=timedelta(seconds=30))
    assert len(life.names()) == SIZE + 6
    assert len(life.zone.changes) <= 8
    assert told_within(life, begun) < 15
    life.loop.close()


def test_those_that_arrive_take_one_change_a_second(life: Life) -> None:
    over = timedelta(seconds=30)
    life.live(life.world(), beside=arrive(life, ARRAY, over=over), lasting=timedelta(seconds=20))
    assert len(life.names()) == SIZE + 6
    assert told_within(life, over.total_seconds()) < 10
    assert len(life.zone.changes) <= 30 + 10
    life.loop.close()


def test_those_that_end_lose_their_names_within_seconds(life: Life) -> None:
    life.run(arrive(life, ARRAY, over=timedelta(0)))
    life.live(life.world(), lasting=timedelta(seconds=30))
    life.run(life.records.end(ARRAY))
    life.live(life.world(), lasting=timedelta(seconds=5))
    assert life.zone.held == {}
    life.loop.close()
