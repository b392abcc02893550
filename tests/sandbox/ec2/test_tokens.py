from datetime import timedelta

import pytest

from sandbox.ec2.records import ReservationId
from sandbox.ec2.states import State
from sandbox.ec2.tokens import KEPT_FOR, Tokens, Use, fingerprint, replay
from sandbox.errors import AwsError

from .make import NOON, record

ONE = fingerprint({"ImageId": "ami-1", "MaxCount": 5})
TWO = fingerprint({"ImageId": "ami-2", "MaxCount": 5})
USE = Use(ONE, ReservationId("r-1"), NOON)


def test_a_new_token_has_no_use() -> None:
    assert Tokens().look_up("t", None, ONE) is None


def test_the_same_token_and_parameters_find_the_reservation() -> None:
    tokens = Tokens()
    tokens.remember("t", None, USE)
    assert tokens.look_up("t", None, ONE) == USE


def test_other_parameters_are_refused() -> None:
    tokens = Tokens()
    tokens.remember("t", None, USE)
    with pytest.raises(AwsError) as caught:
        tokens.look_up("t", None, TWO)
    assert caught.value.code == "IdempotentParameterMismatch"


def test_a_zone_has_tokens_of_its_own() -> None:
    tokens = Tokens()
    tokens.remember("t", "us-east-1a", USE)
    assert tokens.look_up("t", "us-east-1b", TWO) is None
    assert tokens.look_up("t", None, ONE) is None


def test_tokens_are_case_sensitive() -> None:
    tokens = Tokens()
    tokens.remember("t", None, USE)
    assert tokens.look_up("T", None, TWO) is None


def test_old_tokens_are_dropped_so_that_memory_is_bounded() -> None:
    tokens = Tokens()
    tokens.remember("old", None, USE)
    later = Use(TWO, ReservationId("r-2"), NOON + KEPT_FOR + timedelta(seconds=1))
    tokens.remember("new", None, later)
    assert tokens.look_up("old", None, ONE) is None
    assert tokens.look_up("new", None, TWO) == later


def test_the_fingerprint_leaves_out_the_token_and_order() -> None:
    assert fingerprint({"MaxCount": 5, "ClientToken": "x", "ImageId": "ami-1"}) == ONE


def test_a_reservation_with_a_living_instance_is_replayed() -> None:
    replay([record(1, state=State.TERMINATED), record(2, state=State.RUNNING)])


@pytest.mark.parametrize("states", [[State.TERMINATED], [State.SHUTTING_DOWN], []])
def test_an_ended_reservation_is_not(states: list[State]) -> None:
    with pytest.raises(AwsError) as caught:
        replay([record(state=state) for state in states])
    assert caught.value.code == "IdempotentInstanceTerminated"
