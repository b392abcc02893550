"""A lease from its array's beginning to its end, on fakes."""

from datetime import timedelta

import msgspec
import pytest

from services.ttl.handlers.commands import on_extend
from services.ttl.handlers.course import on_accepted, on_due, on_ended
from spawn.bus.ports import Due
from spawn.contracts.arrays import ArrayState
from spawn.contracts.assignments import tell_all_subject
from spawn.contracts.events import LeaseRefused, LeaseSet
from spawn.contracts.lease_records import LeaseState, Occasion, Over
from spawn.errors import NotFound, Rejected
from tests.builders import ARRAY_ID, an_ending
from tests.fakes.clock import NOON
from tests.services.ttl.worlds import LEASE, Fakes, accepted, extension, living, pass_time

TIMER = f"{ARRAY_ID}.lease"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def fakes() -> Fakes:
    fakes = Fakes()
    await fakes.write_array(living())
    return fakes


async def test_an_array_gets_its_lease_warnings_and_end(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    assert (await fakes.lease()).lease == LEASE
    await pass_time(fakes, world, HOUR - timedelta(seconds=1))
    assert fakes.told() == ["lease.warned"] * 3
    assert fakes.overs() == []
    await pass_time(fakes, world, timedelta(seconds=1))
    assert fakes.told() == [*["lease.warned"] * 3, "lease.expired"]
    lease = await fakes.lease()
    assert lease.state is LeaseState.EXPIRING
    assert fakes.overs() == [Over(array_id=ARRAY_ID, version=lease.version)]
    assert fakes.schedules.timers == {}


async def test_an_extended_lease_ends_at_its_new_end_alone(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    await pass_time(fakes, world, HOUR - MINUTE)
    await on_extend(extension(add_seconds=3600), world)
    await pass_time(fakes, world, HOUR)
    assert fakes.overs() == []
    await pass_time(fakes, world, MINUTE)
    assert len(fakes.overs()) == 1
    assert fakes.clock.now() == NOON + 2 * HOUR
    assert fakes.told() == [
        *["lease.warned"] * 3,
        "lease.set",
        *["lease.warned"] * 3,
        "lease.expired",
    ]


async def test_a_shortened_lease_ends_early(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    await on_extend(extension(until=NOON + 20 * MINUTE), world)
    await pass_time(fakes, world, 20 * MINUTE)
    assert len(fakes.overs()) == 1


async def test_the_same_extension_delivered_twice_adds_once(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    for _ in range(2):
        await on_extend(extension(add_seconds=60), world)
    assert (await fakes.lease()).lease.until == LEASE.until + MINUTE
    assert fakes.told() == ["lease.set"]


async def test_an_extension_that_comes_before_the_lease_is_known_makes_it(fakes: Fakes) -> None:
    await on_extend(extension(add_seconds=60), fakes.world())
    assert (await fakes.lease()).lease.until == LEASE.until + MINUTE
    assert fakes.schedules.timers[TIMER][0] == LEASE.until + MINUTE - 10 * MINUTE


async def test_an_extension_of_a_lease_that_is_over_is_refused_by_its_request(
    fakes: Fakes,
) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    await pass_time(fakes, world, HOUR)
    await on_extend(extension(add_seconds=60), world)
    refused = fakes.bus.events[-1].data
    assert isinstance(refused, LeaseRefused)
    assert (refused.request_id, refused.code) == ("r2", "lease-over")
    assert not any(isinstance(event.data, LeaseSet) for event in fakes.bus.events)


@pytest.mark.parametrize(
    ("state", "code"),
    [(ArrayState.TERMINATING, "ending"), (ArrayState.TERMINATED, "ending"), (None, "gone")],
)
async def test_an_array_that_ends_is_not_extended(state: ArrayState | None, code: str) -> None:
    fakes = Fakes()
    if state is not None:
        await fakes.write_array(msgspec.structs.replace(living(), state=state, ending=an_ending()))
    await on_extend(extension(add_seconds=60), fakes.world())
    refused = fakes.bus.events[-1].data
    assert isinstance(refused, LeaseRefused)
    assert refused.code == code


async def test_a_command_that_was_not_taken_in_time_changes_nothing(fakes: Fakes) -> None:
    fakes.clock.move(MINUTE)
    await on_extend(extension(add_seconds=60, not_after=NOON), fakes.world())
    assert fakes.told() == ["lease.refused"]
    assert (await fakes.lease()).lease == LEASE


async def test_no_array_has_such_an_id(fakes: Fakes) -> None:
    with pytest.raises(Rejected):
        await on_extend(extension(array_id="*", add_seconds=60), fakes.world())


async def test_a_timer_of_an_older_record_does_nothing_but_set_the_right_one(
    fakes: Fakes,
) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    stale = Occasion(record=await fakes.lease(), revision=1)
    await on_extend(extension(add_seconds=7200), world)
    fakes.schedules.timers.clear()
    fakes.clock.move(HOUR)
    await on_due(Due(timer=TIMER, body=stale), world)
    assert fakes.overs() == []
    assert fakes.schedules.timers[TIMER][0] == NOON + 3 * HOUR - 10 * MINUTE


async def test_a_timer_that_is_heard_too_early_waits_again(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    fakes.clock.move(HOUR - timedelta(milliseconds=1))
    early = Occasion(record=await fakes.lease(), revision=1)
    await on_due(Due(timer=TIMER, body=early), world)
    assert fakes.overs() == []
    assert fakes.schedules.timers[TIMER][0] == LEASE.until


async def test_a_timer_without_a_lease_does_nothing(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    occasion = Occasion(record=await fakes.lease(), revision=1)
    await fakes.write_array(
        msgspec.structs.replace(living(), state=ArrayState.TERMINATED, ending=an_ending())
    )
    await on_ended(accepted(), world)
    fakes.clock.move(HOUR)
    await on_due(Due(timer=TIMER, body=occasion), world)
    assert (fakes.told(), fakes.overs()) == ([], [])


async def test_the_lease_of_an_array_that_is_over_is_forgotten(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    await on_ended(accepted(), world)
    assert (await fakes.lease()).lease == LEASE, "its array lives, whatever the event says"
    await fakes.write_array(
        msgspec.structs.replace(living(), state=ArrayState.TERMINATED, ending=an_ending())
    )
    await on_ended(accepted(), world)
    with pytest.raises(NotFound):
        await fakes.lease()
    assert fakes.schedules.timers == {}


async def test_machines_are_told_of_a_warning(fakes: Fakes) -> None:
    world = fakes.world()
    await on_accepted(accepted(), world)
    await pass_time(fakes, world, timedelta(minutes=51))
    ((subject, tell),) = fakes.bus.tells
    assert subject == tell_all_subject(ARRAY_ID)
    assert (tell.what, tell.until, tell.left_seconds) == ("warned", LEASE.until, 600)
