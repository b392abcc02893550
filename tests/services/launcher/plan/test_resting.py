from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.model import LEASE_GRACE, OVERDUE, VISIBILITY
from services.launcher.plan.leases import is_overdue
from services.launcher.plan.orphans import judge
from services.launcher.plan.resting import rest, rest_at_end, rest_overdue
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import LEASE_ACTION_TAG, Lease, LeaseAction
from spawn.contracts.members import Member
from spawn.contracts.power import PowerTo
from tests.builders import NOON, an_array, an_ending, an_instance, described, lost, running
from tests.services.launcher.plan.views import a_view, with_intent

STOPS = Lease(NOON, LeaseAction.STOP)
HIBERNATES = Lease(NOON, LeaseAction.HIBERNATE)
READY = an_array(state=ArrayState.READY, chunks=(), lease=STOPS)
PREPARED = LaunchSpec(name="training", region="us-east-1", hibernate=True)
LATE = NOON + OVERDUE


def off(rank: int) -> Member:
    return running(rank, instance=an_instance(rank, state=InstanceState.STOPPED))


@pytest.mark.parametrize(
    ("array", "lease", "to"),
    [
        pytest.param(READY, STOPS, PowerTo.STOPPED, id="stop"),
        pytest.param(
            msgspec.structs.replace(READY, spec=PREPARED),
            HIBERNATES,
            PowerTo.HIBERNATED,
            id="hibernate",
        ),
        pytest.param(READY, HIBERNATES, PowerTo.STOPPED, id="hibernate, which was not prepared"),
    ],
)
def test_what_goes_on_is_put_off_at_the_end(array: Array, lease: Lease, to: PowerTo) -> None:
    after = rest_at_end(array, lease, [running(0), off(1), lost(2)], now=NOON)
    assert [(each.to, each.ranks) for each in after.powering] == [(to, "0")]
    assert (after.ending, after.rested_at) == (None, NOON)
    assert rest_at_end(after, lease, [running(0)], now=NOON) is after


def test_that_all_is_off_already_is_noted_once() -> None:
    after = rest_at_end(READY, STOPS, [off(0)], now=NOON)
    assert (after.powering, after.rested_at) == ((), NOON)
    assert rest_at_end(after, STOPS, [off(0)], now=NOON) is after


def test_what_was_never_ready_is_ended() -> None:
    after = rest_at_end(an_array(lease=STOPS), STOPS, [running(0)], now=NOON)
    assert after.state is ArrayState.TERMINATING
    ending = an_array(state=ArrayState.TERMINATING, ending=an_ending(), lease=STOPS)
    assert rest(ending, STOPS, [running(0)], now=NOON) is ending


def overdue_ranks(now: Any = LATE, **view: Any) -> list[str]:
    write = rest_overdue(a_view(READY, [running(0), off(1)], now=now, **view))
    return [] if write is None else [each.ranks for each in write.array.powering]


def test_what_nobody_has_put_off_is_put_off_a_minute_late() -> None:
    assert overdue_ranks() == ["0"]
    assert overdue_ranks(now=LATE - timedelta(seconds=1)) == []
    assert overdue_ranks(unpowered={an_instance(0).id: ("protected", LATE)}) == []
    assert not is_overdue(READY, LATE)
    assert is_overdue(an_array(lease=STOPS), LATE)


def test_by_its_tags_alone_a_machine_that_only_stops_is_not_ended_after_its_lease() -> None:
    (intent,) = with_intent(an_array(lease=STOPS)).intents
    assert intent.request.tags[LEASE_ACTION_TAG] == "stop"
    one = described(intent, 0)
    late = NOON + max(LEASE_GRACE, VISIBILITY)
    assert judge(one, None, {}, region="us-east-1", now=late).verdict == "adopt"
    ends = {name: text for name, text in one.tags.items() if name != LEASE_ACTION_TAG}
    bare = msgspec.structs.replace(one, tags=ends)
    assert judge(bare, None, {}, region="us-east-1", now=late).verdict == "end"
