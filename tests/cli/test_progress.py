"""An array's events, folded."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cli.progress import Progress, progress_of
from spawn.contracts import events
from spawn.contracts.arrays import ArrayState
from spawn.contracts.instances import Instance
from spawn.contracts.members import MemberState
from spawn.contracts.pools import Refusal
from tests.cli.builders import LEASE, make_array, make_event, make_member
from tests.fakes.cli_launcher import POOL, instance_of

ACCEPTED = events.ArrayAccepted(
    name="web",
    owner="cli",
    request_id="r1",
    region="us-east-1",
    size=3,
    min_count=3,
    lease=LEASE,
)
REFUSAL = Refusal(POOL, "InsufficientInstanceCapacity", "none left", 3, 0)


def fold(*told: events.Data) -> Progress:
    progress = Progress()
    for data in told:
        progress.apply(make_event(data))
    return progress


def launched(rank: int, generation: int = 0) -> events.InstanceLaunched:
    return events.InstanceLaunched(
        rank=rank, generation=generation, instance=instance_of(rank + 100 * generation)
    )


def running(rank: int, generation: int = 0) -> events.InstanceRunning:
    return events.InstanceRunning(
        rank=rank, generation=generation, instance=instance_of(rank + 100 * generation)
    )


def gone(rank: int, generation: int = 0) -> events.InstanceTerminated:
    return events.InstanceTerminated(
        rank=rank, generation=generation, instance=instance_of(rank + 100 * generation)
    )


def test_members_are_counted_by_state_in_the_order_of_their_life() -> None:
    progress = fold(ACCEPTED, launched(0), launched(1), running(1))
    assert list(progress.counts.items()) == [
        (MemberState.PENDING, 1),
        (MemberState.LAUNCHED, 1),
        (MemberState.RUNNING, 1),
    ]
    assert progress.present == 1
    assert progress.left == (instance_of(0).id, instance_of(1).id)


def test_pools_and_refusals_are_those_of_the_last_attempt() -> None:
    progress = fold(
        ACCEPTED,
        events.ArrayLaunching(pools=(POOL,), chunks=1, reason="next pool", refusals=(REFUSAL,)),
    )
    assert (progress.pools, progress.refusals) == ((POOL,), (REFUSAL,))
    assert (progress.state, progress.reason) == (ArrayState.LAUNCHING, "next pool")


def test_an_array_is_ready_then_degraded_then_terminated() -> None:
    progress = fold(ACCEPTED, events.ArrayReady(size=3, ready=3, seconds=1, api_calls={"R": 1}))
    assert (progress.state, progress.api_calls) == (ArrayState.READY, {"R": 1})
    for data, state in (
        (events.ArrayDegraded(size=3, ready=2, ranks="1", reason="lost"), ArrayState.DEGRADED),
        (events.ArrayFinished(succeeded=True), ArrayState.FINISHED),
        (events.ArrayTerminated(reason="asked"), ArrayState.TERMINATED),
    ):
        progress.apply(make_event(data))
        assert progress.state is state
    assert progress.is_ending


def test_an_instance_that_ends_unasked_is_lost_and_one_that_is_asked_has_exited() -> None:
    assert fold(ACCEPTED, running(0), gone(0)).slots[0].state is MemberState.LOST
    progress = fold(ACCEPTED, running(0))
    progress.state = ArrayState.TERMINATING
    progress.apply(make_event(gone(0)))
    assert progress.slots[0].state is MemberState.EXITED
    assert progress.left == ()


def test_a_rejection_changes_nothing_of_the_array() -> None:
    rejected = events.ArrayRejected(request_id="r1", name="web", code="x", message="no")
    assert fold(ACCEPTED, rejected) == fold(ACCEPTED)


def test_what_is_said_of_a_member_without_its_instance_is_taken_too() -> None:
    instance = instance_of(0)
    progress = fold(
        ACCEPTED,
        running(0),
        events.MemberReady(rank=0, generation=0, instance_id=instance.id),
    )
    assert progress.slots[0].state is MemberState.READY
    progress.apply(make_event(events.MemberExited(rank=0, generation=0, exit_code=3)))
    assert progress.slots[0].state is MemberState.EXITED


def test_the_array_s_own_lease_is_the_one_shown() -> None:
    later = events.LeaseSet(lease=LEASE, rank=None)
    progress = Progress()
    progress.apply(make_event(later))
    assert progress.lease == LEASE
    progress.apply(make_event(events.LeaseSet(lease=LEASE, rank=3)))
    assert progress.lease == LEASE


EVENTS = [
    make(rank, generation)
    for make in (launched, running, gone)
    for rank in range(3)
    for generation in range(2)
]


@given(st.lists(st.sampled_from(EVENTS)))
def test_the_tally_is_what_the_slots_hold(told: list[events.Data]) -> None:
    progress = fold(ACCEPTED, *told)
    found = Counter(slot.state for slot in progress.slots.values())
    assert {state: n for state, n in progress.tally.items() if n} == dict(found)
    assert progress.gone == progress.size - len(progress.left)


@given(st.permutations([launched(0), running(0), gone(0), launched(0, 1), running(0, 1)]))
def test_an_older_generation_never_takes_a_rank_back(told: list[events.Data]) -> None:
    progress = fold(ACCEPTED, *told)
    assert progress.slots[0].generation == 1
    assert progress.slots[0].instance_id == instance_of(100).id


def test_records_begin_where_events_have_led() -> None:
    array = make_array(state=ArrayState.LAUNCHING)
    begun = progress_of(array, [make_member(0), make_member(2, MemberState.LAUNCHED)])
    told = fold(ACCEPTED, launched(0), running(0), launched(2))
    assert begun.counts == told.counts
    assert begun.left == told.left


def test_a_stopped_instance_is_there_and_does_not_run() -> None:
    stopped = events.InstanceStopped(rank=0, generation=0, instance=_stopped())
    progress = fold(ACCEPTED, running(0), stopped)
    assert progress.present == 0
    assert progress.left == (instance_of(0).id,)


def _stopped() -> Instance:
    return instance_of(0)
