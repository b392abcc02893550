from hypothesis import given, settings

from services.launcher.model import (
    End,
    Gather,
    LookUp,
    Nudge,
    Place,
    Release,
    Resend,
    SetPower,
    Tag,
    Trace,
    View,
    Write,
    WriteMembers,
)
from services.launcher.plan.drive import SERVING, is_at_rest, next_steps
from services.launcher.plan.rendezvous import are_settled
from spawn.contracts.arrays import ArrayState
from spawn.contracts.launches import WaitFor
from spawn.contracts.members import MemberState
from tests.services.launcher.plan.views import views

EXAMPLES = settings(max_examples=50)
UP = {MemberState.RUNNING, MemberState.READY}


@EXAMPLES
@given(views())
def test_an_ending_array_asks_for_nothing_more(view: View) -> None:
    if view.array.ending is not None:
        for step in next_steps(view):
            assert not isinstance(step, LookUp | Place | Resend)


@EXAMPLES
@given(views())
def test_only_an_ending_array_ends_instances(view: View) -> None:
    if view.array.ending is None:
        assert not any(isinstance(step, End | Trace) for step in next_steps(view))


@EXAMPLES
@given(views())
def test_nothing_is_begun_twice(view: View) -> None:
    for step in next_steps(view):
        match step:
            case Place(chunk=chunk):
                assert chunk.number not in view.placing
            case Resend(intent=intent) | Trace(intent=intent):
                assert intent.token not in view.sending
            case End(instance_ids=ids):
                assert not set(ids) & view.ending
            case LookUp():
                assert view.array.placement is None
            case Nudge(revision=revision):
                assert revision != view.told
            case Tag() | Write() | WriteMembers() | SetPower() | Gather() | Release():
                pass


@EXAMPLES
@given(views())
def test_tags_are_not_asked_for_twice_in_a_row(view: View) -> None:
    assert view.may_tag or not any(isinstance(step, Tag) for step in next_steps(view))


@EXAMPLES
@given(views())
def test_a_write_stands_alone_since_it_changes_what_the_rest_was_decided_from(
    view: View,
) -> None:
    steps = next_steps(view)
    if any(isinstance(step, Write) for step in steps):
        # What machines are told of their peers holds whatever is written.
        assert [type(step) for step in steps if not isinstance(step, Nudge)] == [Write]
    assert all(
        step.array.version == view.array.version + 1 for step in steps if isinstance(step, Write)
    )


@EXAMPLES
@given(views())
def test_a_serving_array_with_all_members_up_is_at_rest(view: View) -> None:
    members = view.members.values()
    up = all(member.state in UP for member in members)
    asks = view.array.chunks or view.array.intents
    waits = view.array.powering or view.array.lease.is_over(view.now)
    if view.array.state in SERVING and up and not waits and not asks:
        assert is_at_rest(view.array)
        known = view.array.placement or view.array.state is ArrayState.RECOVERED
        assert all(isinstance(step, Nudge) for step in next_steps(view)) or not known


@EXAMPLES
@given(views())
def test_an_array_is_never_over_while_something_of_it_may_live(view: View) -> None:
    for step in next_steps(view):
        if isinstance(step, Write) and step.array.state.is_over:
            assert not view.array.intents
            assert all(member.is_over for member in view.members.values())


@EXAMPLES
@given(views())
def test_every_write_tells_what_it_changes(view: View) -> None:
    for step in next_steps(view):
        if isinstance(step, Write):
            after = step.array
            told = {event.data.__class__.__name__ for event in after.outbox}
            # The end of an array begins in silence: it is told when it has come.
            assert bool(told) == (after.state is not ArrayState.TERMINATING)
            assert len({event.id for event in after.outbox}) == len(after.outbox)


@EXAMPLES
@given(views())
def test_what_waits_without_an_end_in_sight_has_something_under_way(view: View) -> None:
    array, members = view.array, view.members.values()
    if next_steps(view) or is_at_rest(array) or array.ending is not None:
        return
    up = UP - {MemberState.RUNNING} if array.spec.wait_for is WaitFor.AGENT else UP
    boots = any(not member.is_done and member.state not in up for member in members)
    named = array.spec.wait_for is not WaitFor.DNS or are_settled(members, view.hostnames)
    assert view.placing or view.sending or boots or not named


@EXAMPLES
@given(views())
def test_only_machines_that_are_to_go_on_are_stopped_or_started(view: View) -> None:
    going_on = {
        each.instance.id
        for each in view.members.values()
        if not each.instance.state.is_going and view.array.ending is None
    }
    for step in next_steps(view):
        if isinstance(step, SetPower):
            assert going_on.issuperset(step.instance_ids)
