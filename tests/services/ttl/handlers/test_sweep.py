"""What the sweep puts right, on fakes."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.ttl.apply import name_ends
from services.ttl.handlers.course import on_accepted
from services.ttl.handlers.sweep import sweep
from spawn.bus.beside import beside
from spawn.contracts import lease_records
from spawn.contracts.arrays import ArrayState
from spawn.contracts.lease_records import LeaseRecord, LeaseState
from spawn.errors import NotFound
from tests.builders import ARRAY_ID, an_ending
from tests.fakes.bus import FakeStore
from tests.services.ttl.worlds import LEASE, Fakes, accepted, living

TIMER = f"{ARRAY_ID}.lease"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
async def fakes() -> Fakes:
    fakes = Fakes()
    await fakes.write_array(living())
    return fakes


async def swept(fakes: Fakes, *, is_first: bool = False) -> None:
    world = fakes.world()
    async with beside(name_ends(world)):
        await sweep(world, is_first=is_first)


async def over(fakes: Fakes) -> None:
    await fakes.write_array(
        msgspec.structs.replace(living(), state=ArrayState.TERMINATED, ending=an_ending())
    )


async def test_an_array_without_a_lease_gets_one(fakes: Fakes) -> None:
    await swept(fakes)
    assert (await fakes.lease()).lease == LEASE
    assert set(fakes.schedules.timers) == {TIMER}


async def test_a_lease_without_a_timer_gets_one(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    timer = fakes.schedules.timers.pop(TIMER)
    await swept(fakes)
    assert fakes.schedules.timers == {TIMER: timer}


async def test_a_timer_without_a_lease_is_cancelled(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    await FakeStore(fakes.bus, lease_records.BUCKET, LeaseRecord).delete(ARRAY_ID)
    await over(fakes)
    await swept(fakes)
    assert fakes.schedules.timers == {}


async def test_what_is_as_it_should_be_is_left_alone(fakes: Fakes) -> None:
    await swept(fakes)
    before = (fakes.bus.buckets[lease_records.BUCKET].writes, dict(fakes.schedules.timers))
    await swept(fakes)
    assert (fakes.bus.buckets[lease_records.BUCKET].writes, fakes.schedules.timers) == before


async def test_an_overdue_lease_is_acted_on_though_its_timer_is_lost(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.schedules.timers.clear()
    fakes.clock.move(HOUR + 6 * SECOND)
    await swept(fakes)
    assert len(fakes.overs()) == 1
    assert (await fakes.lease()).state is LeaseState.EXPIRING


async def test_a_lease_that_has_just_ended_is_left_to_its_timer(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.clock.move(HOUR + SECOND)
    await swept(fakes)
    assert fakes.overs() == []


@pytest.mark.parametrize(
    "done",
    [
        pytest.param({"state": ArrayState.TERMINATING, "ending": an_ending()}, id="it is ended"),
        pytest.param({"rested_at": LEASE.until}, id="its machines were put off"),
    ],
)
async def test_the_launcher_is_asked_again_until(fakes: Fakes, done: dict[str, Any]) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.clock.move(HOUR + 6 * SECOND)
    await swept(fakes)
    fakes.clock.move(60 * SECOND)
    await swept(fakes)
    assert len(fakes.overs()) == 2
    await fakes.write_array(msgspec.structs.replace(living(), **done))
    fakes.clock.move(60 * SECOND)
    await swept(fakes)
    assert len(fakes.overs()) == 2


async def test_the_lease_of_an_array_that_is_over_is_forgotten(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    await over(fakes)
    await swept(fakes)
    with pytest.raises(NotFound):
        await fakes.lease()
    assert fakes.schedules.timers == {}


async def test_a_lease_whose_array_has_no_record_is_kept_until_long_after_its_end() -> None:
    fakes = Fakes()
    await on_accepted(accepted(), fakes.world())
    await swept(fakes)
    assert (await fakes.lease()).lease == LEASE
    fakes.clock.move(2 * HOUR + SECOND)
    await swept(fakes)
    with pytest.raises(NotFound):
        await fakes.lease()


async def test_the_first_sweep_tells_what_a_crash_left_untold(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.clock.move(HOUR + 6 * SECOND)
    await swept(fakes)
    fakes.bus.events.clear()
    fakes.bus.event_ids.clear()
    await swept(fakes)
    assert fakes.told() == []
    await swept(fakes, is_first=True)
    assert fakes.told() == ["lease.expired"]


@pytest.mark.parametrize(
    ("left", "counted"),
    [
        pytest.param(2 * HOUR, {"6h", "1d"}, id="in two hours: within six and a day"),
        pytest.param(30 * SECOND, {"10m", "1h", "6h", "1d"}, id="at once: within all"),
        pytest.param(48 * HOUR, set[str](), id="in two days: within none"),
    ],
)
async def test_leases_are_counted_by_how_soon_they_end(
    fakes: Fakes, left: timedelta, counted: set[str]
) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.clock.move(LEASE.until - left - fakes.clock.now())
    await swept(fakes)
    assert _gauge("leases") == 1
    horizons = ("10m", "1h", "6h", "1d")
    assert {name for name in horizons if _gauge("leases_ending", within=name)} == counted
    assert _gauge("leases_overdue") == 0
    assert _gauge("last_sweep_timestamp_seconds") == fakes.clock.now().timestamp()


async def test_a_lease_that_nobody_acts_on_is_overdue(fakes: Fakes) -> None:
    await on_accepted(accepted(), fakes.world())
    fakes.clock.move(LEASE.until + 61 * SECOND - fakes.clock.now())
    await swept(fakes)
    assert _gauge("leases_overdue") == 1


def _gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"spawn_ttl_{name}", labels)
