from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launcher.model import VISIBILITY, MemberChange, Sighting
from services.launcher.plan.observation import LEAVING, is_in_transition, observe
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    Data,
    InstanceRunning,
    InstanceStopped,
    InstanceStopping,
    InstanceTerminated,
)
from spawn.contracts.ids import ArrayId, ClientToken, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.launches import OnComplete, digest
from spawn.contracts.members import Facts, Member, MemberState
from tests.builders import (
    ARRAY_ID,
    NOON,
    a_member,
    an_array,
    an_ending,
    an_instance,
    lost,
    running,
)
from tests.services.launcher.plan.views import SIZE, arrays, members

ENDING = an_array(state=ArrayState.TERMINATING, ending=an_ending())
COMMANDED = an_array(command=digest("true"))
LATER = NOON + timedelta(hours=1)

Look = tuple[list[Member], Sighting, Mapping[ArrayId, Array]]


def on_complete(action: OnComplete) -> Array:
    spec = msgspec.structs.replace(COMMANDED.spec, on_complete=action)
    return msgspec.structs.replace(COMMANDED, spec=spec)


def sighting(*seen: Instance, asked: tuple[InstanceId, ...] = ()) -> Sighting:
    listed = {
        each.id: Described(
            instance=each, launch_index=0, client_token=ClientToken("token"), tags={}
        )
        for each in seen
    }
    return Sighting(region="us-east-1", listed=listed, asked=frozenset({*asked, *listed}))


def look(member: Member, seen: Sighting, array: Array | None = None) -> list[MemberChange]:
    return list(observe([member], seen, {ARRAY_ID: array or an_array()}, now=LATER))


def said(change: MemberChange) -> Data | None:
    return change.member.outbox[0].data if change.member.outbox else None


@pytest.mark.parametrize(
    ("member", "state", "kind", "after"),
    [
        pytest.param(
            a_member(),
            InstanceState.RUNNING,
            InstanceRunning,
            MemberState.RUNNING,
            id="boots: running",
        ),
        pytest.param(
            running(),
            InstanceState.STOPPING,
            InstanceStopping,
            MemberState.RUNNING,
            id="is being stopped: says so, keeps its rank",
        ),
        pytest.param(
            running(),
            InstanceState.STOPPED,
            InstanceStopped,
            MemberState.RUNNING,
            id="is stopped: says so, keeps its rank",
        ),
        pytest.param(
            running(state=MemberState.READY),
            InstanceState.STOPPED,
            InstanceStopped,
            MemberState.READY,
            id="was ready: stays so",
        ),
        pytest.param(
            running(state=MemberState.READY, instance=an_instance(state=InstanceState.STOPPED)),
            InstanceState.RUNNING,
            InstanceRunning,
            MemberState.READY,
            id="runs again: stays ready",
        ),
    ],
)
def test_what_ec2_says_is_recorded_and_told(
    member: Member, state: InstanceState, kind: type[Data], after: MemberState
) -> None:
    seen = an_instance(0, state=state)
    (change,) = look(member, sighting(seen))
    assert (change.member.state, change.member.instance) == (after, seen)
    assert (change.member.version, change.member.changed_at) == (member.version + 1, LATER)
    assert isinstance(said(change), kind)
    assert change.key == f"{ARRAY_ID}.0"
    (event,) = change.member.outbox
    verb = event.name.split(".")[1]
    assert event.id == f"{ARRAY_ID}/instance/0/0/{verb}/{change.member.version}"


def test_an_address_that_comes_later_is_recorded_in_silence() -> None:
    seen = an_instance(0, private_ip="10.9.9.9")
    (change,) = look(a_member(), sighting(seen))
    assert (change.member.instance.private_ip, change.member.outbox) == ("10.9.9.9", ())


def test_back_to_pending_is_recorded_in_silence() -> None:
    stopped = running(instance=an_instance(state=InstanceState.STOPPED))
    (change,) = look(stopped, sighting(an_instance()))
    assert (change.member.instance.state, change.member.outbox) == (InstanceState.PENDING, ())


@pytest.mark.parametrize(
    ("member", "seen"),
    [
        pytest.param(running(), an_instance(0, state=InstanceState.RUNNING), id="as recorded"),
        pytest.param(
            running(),
            an_instance(0, state=InstanceState.SHUTTING_DOWN),
            id="is going: only its end counts",
        ),
        pytest.param(lost(), an_instance(0, state=InstanceState.RUNNING), id="its rank is over"),
    ],
)
def test_what_changes_nothing(member: Member, seen: Instance) -> None:
    assert look(member, sighting(seen)) == []


def test_members_of_an_unknown_array_are_left_alone() -> None:
    seen = sighting(an_instance(0, state=InstanceState.RUNNING))
    assert list(observe([a_member()], seen, {}, now=LATER)) == []


@pytest.mark.parametrize(
    ("array", "ec2_reason", "state", "reason"),
    [
        pytest.param(ENDING, "", MemberState.EXITED, "asked for", id="as asked: exited"),
        pytest.param(an_array(), "Server.X", MemberState.LOST, "Server.X", id="EC2 says why"),
        pytest.param(
            an_array(), "", MemberState.LOST, "ended outside of spawn", id="nobody says why"
        ),
    ],
)
def test_an_end_is_exited_or_lost(
    array: Array, ec2_reason: str, state: MemberState, reason: str
) -> None:
    gone = an_instance(0, state=InstanceState.TERMINATED, reason=ec2_reason)
    (change,) = look(running(), sighting(gone), array)
    assert (change.member.state, change.member.reason) == (state, reason)
    assert said(change) == InstanceTerminated(rank=0, generation=0, instance=gone, reason=reason)


@pytest.mark.parametrize(
    ("age", "asked", "ended"),
    [
        pytest.param(VISIBILITY, True, True, id="old, asked for, not listed: gone"),
        pytest.param(VISIBILITY - timedelta(seconds=1), True, False, id="young: not seen yet"),
        pytest.param(VISIBILITY, False, False, id="not asked for: nothing is known"),
    ],
)
def test_an_instance_that_is_not_listed(age: timedelta, asked: bool, ended: bool) -> None:
    member = running(changed_at=LATER - age)
    ids = (member.instance.id,) if asked else ()
    changes = look(member, sighting(asked=ids))
    assert [each.member.state for each in changes] == ([MemberState.LOST] if ended else [])
    if ended:
        assert changes[0].member.reason == "no longer listed by EC2"


@pytest.mark.parametrize(
    ("member", "array", "expected"),
    [
        pytest.param(a_member(), an_array(), True, id="pending"),
        pytest.param(running(), an_array(), False, id="running"),
        pytest.param(running(), ENDING, True, id="running in an ending array"),
        pytest.param(lost(), ENDING, False, id="over"),
        pytest.param(a_member(), None, True, id="pending, array unknown"),
        pytest.param(running(), None, False, id="running, array unknown"),
    ],
)
def test_who_is_in_transition(member: Member, array: Array | None, expected: bool) -> None:
    assert is_in_transition(member, array, now=NOON) is expected


@pytest.mark.parametrize(
    ("array", "age", "expected"),
    [
        pytest.param(COMMANDED, timedelta(seconds=119), True, id="terminates itself: awaited"),
        pytest.param(COMMANDED, LEAVING, False, id="stays too long: left to the full sweep"),
        pytest.param(on_complete(OnComplete.STOP), timedelta(0), True, id="stops itself: awaited"),
        pytest.param(on_complete(OnComplete.NONE), timedelta(0), False, id="stays: not awaited"),
        pytest.param(an_array(), timedelta(0), False, id="no command, so it stays: not awaited"),
    ],
)
def test_a_machine_whose_job_has_ended_is_awaited_when_it_ends_itself(
    array: Array, age: timedelta, expected: bool
) -> None:
    member = running(state=MemberState.EXITED, exit_code=0)
    assert is_in_transition(member, array, now=NOON + age) is expected


@st.composite
def looks(draw: st.DrawFn) -> Look:
    held = [draw(members(rank)) for rank in draw(st.sets(st.integers(0, SIZE - 1)))]
    states = st.none() | st.sampled_from(InstanceState)
    seen = [(member, draw(states)) for member in held]
    listed = [an_instance(member.rank, state=state) for member, state in seen if state]
    asked = tuple(member.instance.id for member in held if draw(st.booleans()))
    return held, sighting(*listed, asked=asked), {ARRAY_ID: draw(arrays())}


EXAMPLES = settings(max_examples=50)


@EXAMPLES
@given(looks())
def test_what_was_recorded_is_not_recorded_again(
    drawn: Look,
) -> None:
    held, seen, known = drawn
    after = {member.rank: member for member in held}
    for change in observe(held, seen, known, now=NOON):
        assert change.member.version == after[change.member.rank].version + 1
        after[change.member.rank] = change.member
    assert list(observe(after.values(), seen, known, now=NOON)) == []


@EXAMPLES
@given(looks())
def test_a_young_member_that_is_not_seen_is_never_ended(
    drawn: Look,
) -> None:
    held, seen, known = drawn
    before = {member.rank: member for member in held}
    for change in observe(held, seen, known, now=NOON):
        member = before[change.member.rank]
        if change.member.is_over and member.instance.id not in seen.listed:
            assert NOON - member.changed_at >= VISIBILITY
            assert member.instance.id in seen.asked


@EXAMPLES
@given(looks())
def test_a_member_that_is_over_stays_over(
    drawn: Look,
) -> None:
    held, seen, known = drawn
    over = {member.rank for member in held if member.is_over}
    changed = {each.member.rank for each in observe(held, seen, known, now=NOON)}
    assert not over & changed


def started_again(rank: int = 0, **changes: Any) -> Instance:
    at = NOON + timedelta(minutes=5)
    return an_instance(rank, **{"state": InstanceState.RUNNING, "launched_at": at, **changes})


@pytest.mark.parametrize("before", [InstanceState.STOPPED, InstanceState.RUNNING])
def test_a_machine_that_was_started_again_is_awaited_anew(before: InstanceState) -> None:
    """Also one that was off while nobody looked: EC2's time of launch tells."""
    instance = an_instance(state=before)
    member = running(state=MemberState.READY, facts=Facts(), instance=instance)
    (change,) = look(member, sighting(started_again()))
    after = change.member
    assert (after.state, after.starts, after.facts) == (MemberState.RUNNING, 1, Facts())
    assert [type(event.data) for event in after.outbox] == [InstanceRunning]
    (booting,) = look(member, sighting(started_again(state=InstanceState.PENDING)))
    assert booting.member.state is MemberState.LAUNCHED


def test_a_job_that_has_ended_stays_so_when_its_machine_is_started_again() -> None:
    off = an_instance(state=InstanceState.STOPPED)
    member = running(state=MemberState.EXITED, exit_code=143, instance=off)
    (change,) = look(member, sighting(started_again()))
    assert (change.member.state, change.member.starts) == (MemberState.EXITED, 1)
