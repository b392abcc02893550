"""What is counted of launches, by the metrics of this process."""

from datetime import timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.launcher.handlers.measuring import Measuring
from services.launcher.handlers.spending import measure_costs
from services.launcher.handlers.upkeep import measure
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.pools import Market
from tests.builders import NOON, a_member, an_array, an_ending, an_instance, running
from tests.services.launcher.plan.views import a_view
from tests.services.launcher.worlds import Fakes, record

SECOND = timedelta(seconds=1)
ACCEPTED = an_array(1, state=ArrayState.ACCEPTED, chunks=(), placement=None)
LAUNCHING = an_array(1)
READY = an_array(1, state=ArrayState.READY, chunks=(), ready_at=NOON + 40 * SECOND)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"spawn_launcher_{name}", labels) or 0.0


def outcomes() -> dict[str, float]:
    names = ("ready", "failed", "rejected", "ended")
    return {name: sample("launches_total", outcome=name) for name in names}


def look_at(*arrays: Array) -> dict[str, float]:
    """Drive an array past these looks, a second apart; return what that has counted."""
    before, measuring = outcomes(), Measuring()
    for second, array in enumerate(arrays):
        members = [running()] if array.state is ArrayState.READY else []
        measuring.note(a_view(array, members, now=NOON + second * SECOND))
    after = outcomes()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def test_a_launch_that_becomes_ready_is_counted_and_timed_once() -> None:
    total, placing = "launch_duration_seconds_sum", "launch_phase_seconds_sum"
    took, placed = sample(total), sample(placing, phase="placing")
    assert look_at(ACCEPTED, LAUNCHING, LAUNCHING, READY, READY) == {"ready": 1}
    assert sample(total) - took == pytest.approx(40)
    assert sample(placing, phase="placing") - placed == pytest.approx(1)


def test_a_launch_that_another_replica_began_is_counted_but_not_by_phase() -> None:
    count = "launch_phase_seconds_count"
    before = sample(count, phase="launching")
    assert look_at(LAUNCHING, READY) == {"ready": 1}
    assert sample(count, phase="launching") == before


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        pytest.param(ArrayState.FAILED, "failed", id="given up: failed"),
        pytest.param(ArrayState.TERMINATED, "ended", id="ended before it was ready: ended"),
    ],
)
def test_a_launch_that_never_becomes_ready(state: ArrayState, outcome: str) -> None:
    ending = msgspec.structs.replace(an_ending(state), code="capacity")
    going = an_array(1, state=ArrayState.TERMINATING, ending=ending)
    gone = an_array(1, state=state, ending=ending)
    failures = sample("launch_failures_total", code="capacity")
    assert look_at(ACCEPTED, LAUNCHING, going, gone) == {outcome: 1}
    more = sample("launch_failures_total", code="capacity") - failures
    assert more == (1 if outcome == "failed" else 0)


def test_a_launch_that_aws_rules_out_is_rejected() -> None:
    gone = msgspec.structs.replace(ACCEPTED, state=ArrayState.REJECTED)
    assert look_at(ACCEPTED, gone) == {"rejected": 1}


def test_an_array_that_was_ready_counts_no_more_when_it_ends() -> None:
    ended = msgspec.structs.replace(READY, state=ArrayState.TERMINATED, ending=an_ending())
    assert look_at(READY, ended) == {}
    assert look_at(ended) == {}


async def test_gauges_show_arrays_members_and_who_pays() -> None:
    world = Fakes().world()
    up = an_instance(state=InstanceState.RUNNING, market=Market.SPOT)
    array = msgspec.structs.replace(READY, owner="ada", size=2)
    await record(world, array, running(0, instance=up), a_member(1))
    await measure(world)
    assert sample("arrays", state="ready") == 1
    assert sample("members", state="running") == sample("members", state="launched") == 1
    assert sample("instances", owner="ada", market="spot") == 1
    over = msgspec.structs.replace(array, state=ArrayState.TERMINATED, ending=an_ending())
    other = Fakes().world()
    await record(other, over)
    await measure(other)
    assert sample("arrays", state="ready") == 0
    labels = {"owner": "ada", "market": "spot"}
    assert REGISTRY.get_sample_value("spawn_launcher_instances", labels) is None


async def test_what_is_spent_is_shown_while_it_is() -> None:
    world = Fakes().world()
    await record(world, msgspec.structs.replace(READY, owner="eve"), running(0))
    await measure_costs(world)
    assert sample("cost_usd_per_hour", owner="eve") == pytest.approx(0.1008)
    assert sample("unpriced_instances") == 0
    other = Fakes().world()
    await measure_costs(other)
    assert REGISTRY.get_sample_value("spawn_launcher_cost_usd_per_hour", {"owner": "eve"}) is None
