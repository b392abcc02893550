from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.runtime.supervisor.backoff import restart_delay

DEATHS = st.integers(min_value=1, max_value=10_000)
JITTER = st.floats(min_value=0, max_value=1)


@given(DEATHS, JITTER)
def test_a_wait_is_never_none_and_never_long(deaths: int, jitter: float) -> None:
    delay = restart_delay(deaths, jitter=jitter)
    assert timedelta(milliseconds=50) <= delay <= timedelta(seconds=15)


@given(DEATHS, JITTER)
def test_more_deaths_never_wait_less(deaths: int, jitter: float) -> None:
    assert restart_delay(deaths, jitter=jitter) <= restart_delay(deaths + 1, jitter=jitter)


def test_a_process_that_never_died_has_no_wait() -> None:
    with pytest.raises(ValueError, match="deaths=0"):
        restart_delay(0, jitter=0)
