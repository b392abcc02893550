from datetime import timedelta

import pytest

from services.launcher.plan.survey import (
    Hidden,
    Survey,
    note_hidden,
    plan_survey,
    to_ask_by_id,
    with_news,
)
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import digest
from spawn.contracts.members import Member, MemberState
from tests.builders import (
    ARRAY_ID,
    NOON,
    a_member,
    an_array,
    an_ending,
    an_instance,
    described,
    lost,
    running,
)
from tests.services.launcher.plan.views import with_intent

ENDING = an_array(state=ArrayState.TERMINATING, ending=an_ending())
STOPPING = running(0, instance=an_instance(0, state=InstanceState.STOPPING))
FIRST, SECOND = an_instance(0).id, an_instance(1).id
COMMANDED = an_array(state=ArrayState.FINISHED, chunks=(), command=digest("true"))
EXITED = running(0, state=MemberState.EXITED, exit_code=0)
PAUSE = timedelta(seconds=0.4)


def survey(array: Array, *members: Member, region: str = "us-east-1") -> Survey:
    return plan_survey({ARRAY_ID: array}, members, region, now=NOON)


@pytest.mark.parametrize(
    ("array", "member", "states"),
    [
        pytest.param(an_array(), a_member(), ["pending"], id="launched: pending"),
        pytest.param(ENDING, running(), ["pending", "shutting-down"], id="ending: both"),
        pytest.param(an_array(), STOPPING, ["pending", "stopping"], id="stopping: stopping too"),
    ],
)
def test_what_is_listed_depends_on_what_is_expected(
    array: Array, member: Member, states: list[str]
) -> None:
    found = survey(array, member)
    assert found.members == (member,)
    assert list(found.states) == states
    assert found.array_ids == {ARRAY_ID}


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(running(), id="runs"),
        pytest.param(lost(), id="is over"),
        pytest.param(
            running(0, instance=an_instance(0, state=InstanceState.STOPPED)), id="is stopped"
        ),
    ],
)
def test_who_rests_is_not_looked_at(member: Member) -> None:
    assert survey(an_array(), member) == Survey(members=(), states=())


def test_other_regions_and_unknown_arrays_are_not_looked_at() -> None:
    assert survey(an_array(), a_member(), region="eu-west-1").members == ()
    assert plan_survey({}, [a_member()], "us-east-1", now=NOON).members == ()


def test_an_ended_member_of_an_ending_array_is_not_looked_at() -> None:
    gone = a_member(1, state=MemberState.EXITED, instance=lost(1).instance)
    assert survey(ENDING, lost(), gone).members == ()


def test_a_machine_whose_job_has_ended_is_looked_at_until_it_is_gone() -> None:
    halting = running(0, state=MemberState.EXITED, exit_code=0)
    assert survey(ENDING, halting).members == (halting,)


def test_a_machine_that_ends_itself_is_looked_at_too() -> None:
    found = survey(COMMANDED, EXITED)
    assert found.members == (EXITED,)
    assert list(found.states) == ["pending", "shutting-down"]
    assert found.leaving == {FIRST}


@pytest.mark.parametrize(
    ("state", "news"),
    [
        pytest.param(InstanceState.RUNNING, set[str](), id="runs as before: none"),
        pytest.param(InstanceState.SHUTTING_DOWN, {FIRST}, id="is going: news"),
        pytest.param(InstanceState.TERMINATED, {FIRST}, id="is gone: news"),
    ],
)
def test_news_of_a_machine_that_ends_itself(state: InstanceState, news: set[str]) -> None:
    intent = with_intent(an_array()).intents[0]
    assert with_news(survey(COMMANDED, EXITED), [described(intent, 0, state=state)]) == news


def test_news_of_a_machine_that_is_to_run_is_that_it_runs() -> None:
    intent = with_intent(an_array()).intents[0]
    found = [described(intent, 0, state=InstanceState.RUNNING)]
    assert with_news(survey(an_array(), a_member()), found) == {FIRST}


def test_who_has_left_the_list_is_asked_for_by_id() -> None:
    both = survey(an_array(), a_member(0), a_member(1))
    assert to_ask_by_id(both, [FIRST], {}, now=NOON) == (SECOND,)


@pytest.mark.parametrize(
    ("seconds", "asked"),
    [
        pytest.param(0.9, (), id="before its time: not asked"),
        pytest.param(1, (FIRST,), id="at its time: asked"),
    ],
)
def test_a_hidden_instance_is_asked_for_when_it_is_time(
    seconds: float, asked: tuple[str, ...]
) -> None:
    hidden = {FIRST: Hidden(1, NOON + timedelta(seconds=1))}
    now = NOON + timedelta(seconds=seconds)
    assert to_ask_by_id(survey(an_array(), a_member()), [], hidden, now=now) == asked


def test_a_hidden_instance_is_asked_for_ever_more_seldom() -> None:
    hidden: dict[InstanceId, Hidden] = {}
    pauses: list[float] = []
    for _ in range(5):
        hidden = note_hidden(hidden, [FIRST], [], first_pause=PAUSE, now=NOON)
        pauses.append((hidden[FIRST].next_look - NOON).total_seconds())
    assert pauses == [0.8, 1.6, 3.2, 5.0, 5.0]


def test_once_seen_it_is_not_hidden_any_more() -> None:
    hidden = {FIRST: Hidden(3, NOON), SECOND: Hidden(1, NOON)}
    after = note_hidden(hidden, [FIRST], [FIRST], first_pause=PAUSE, now=NOON)
    assert after == {SECOND: Hidden(1, NOON)}


def test_a_hidden_instance_that_nobody_asks_for_any_more_is_forgotten() -> None:
    hidden = {FIRST: Hidden(3, NOON), SECOND: Hidden(1, NOON + timedelta(seconds=1))}
    later = NOON + timedelta(minutes=5)
    after = note_hidden(hidden, [], [], first_pause=PAUSE, now=later)
    assert after == {SECOND: hidden[SECOND]}
