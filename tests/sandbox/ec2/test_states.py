import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.ec2.states import Action, Move, State, decide
from sandbox.errors import AwsError

P, R, SD = State.PENDING, State.RUNNING, State.SHUTTING_DOWN
T, SG, SD_ = State.TERMINATED, State.STOPPING, State.STOPPED

STARTS: dict[tuple[Action, State], Move] = {
    ("terminate", P): Move(SD, T),
    ("terminate", R): Move(SD, T),
    ("terminate", SG): Move(SD, T),
    ("terminate", SD_): Move(SD, T),
    ("stop", R): Move(SG, SD_),
    ("start", SD_): Move(P, R),
}
NOTHING: set[tuple[Action, State]] = {
    ("terminate", SD),
    ("terminate", T),
    ("stop", SG),
    ("stop", SD_),
    ("start", P),
    ("start", R),
    ("reboot", R),
}
ACTIONS: list[Action] = ["terminate", "stop", "start", "reboot"]


@pytest.mark.parametrize("state", list(State), ids=lambda state: state.value)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_move_is_started_needless_or_refused(action: Action, state: State) -> None:
    if (action, state) in STARTS:
        assert decide(action, state, instance_id="i-1") == STARTS[action, state]
    elif (action, state) in NOTHING:
        assert decide(action, state, instance_id="i-1") is None
    else:
        with pytest.raises(AwsError, match="i-1") as caught:
            decide(action, state, instance_id="i-1")
        assert caught.value.code == "IncorrectInstanceState"


def test_states_have_ec2s_numbers() -> None:
    assert [state.code for state in (P, R, SD, T, SG, SD_)] == [0, 16, 32, 48, 64, 80]


@given(st.lists(st.sampled_from(ACTIONS)))
def test_no_series_of_actions_leaves_terminated(actions: list[Action]) -> None:
    for action in actions:
        try:
            assert decide(action, T, instance_id="i-1") is None
        except AwsError as error:
            assert error.code == "IncorrectInstanceState"  # noqa: PT017  both ends are legal
