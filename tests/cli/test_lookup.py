"""Which array is meant."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.lookup import find_array, words_to_complete
from cli.names import readable_name
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import check_name
from spawn.errors import NotFound
from tests.cli.builders import make_array
from tests.fakes.cli_launcher import NOON

OLD = make_array(request_id="r1", state=ArrayState.TERMINATED)
NEW = make_array(request_id="r2", state=ArrayState.FAILED, accepted_at=NOON + timedelta(minutes=1))
ALIVE = make_array(request_id="r3", state=ArrayState.READY, accepted_at=NOON - timedelta(hours=1))
OTHER = make_array("training", state=ArrayState.READY)


def test_the_living_one_is_meant_by_a_name_before_newer_ended_ones() -> None:
    assert find_array([OLD, NEW, ALIVE, OTHER], "web") is ALIVE


def test_the_newest_is_meant_where_none_lives() -> None:
    assert find_array([NEW, OLD], "web") is NEW


def test_an_id_means_that_very_array() -> None:
    assert find_array([OLD, NEW, ALIVE], OLD.id) is OLD


def test_nothing_alike_names_what_lives() -> None:
    with pytest.raises(NotFound, match="no array is called 'zzz'; there is training, web"):
        find_array([NEW, OTHER], "zzz")
    with pytest.raises(NotFound, match="there is none yet"):
        find_array([], "web")


def test_completion_offers_living_names_and_ids_that_were_begun() -> None:
    arrays = [OLD, ALIVE, OTHER]
    assert words_to_complete(arrays, "") == ["training", "web"]
    assert words_to_complete(arrays, "web-") == [ALIVE.id]


@given(st.text())
def test_a_name_that_is_made_up_is_a_name_and_always_the_same(request_id: str) -> None:
    try:
        named = readable_name(request_id)
    except UnicodeEncodeError:
        return
    assert check_name(named) == readable_name(request_id)
