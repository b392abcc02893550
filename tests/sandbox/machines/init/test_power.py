from datetime import timedelta

import pytest

from sandbox.machines.init.power import Power, Shutdown, parse_shutdown
from spawn.clock import SystemClock
from tests.fakes.clock import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("-P now", Shutdown("poweroff"), id="at once"),
        pytest.param("now", Shutdown("poweroff"), id="without an option"),
        pytest.param("-r now", Shutdown("reboot"), id="again"),
        pytest.param("-h +0", Shutdown("poweroff"), id="in no time"),
        pytest.param("-P", Shutdown("poweroff", NOON + MINUTE), id="in a minute by default"),
        pytest.param("-P +5", Shutdown("poweroff", NOON + 5 * MINUTE), id="in five minutes"),
        pytest.param("-P 5 bye all", Shutdown("poweroff", NOON + 5 * MINUTE), id="with a message"),
        pytest.param("-c", Shutdown(cancel=True), id="not at all"),
    ],
)
def test_when_a_machine_is_to_go_down(words: str, expected: Shutdown) -> None:
    assert parse_shutdown(words.split(), NOON) == expected


def test_an_hour_of_the_day_is_the_next_one() -> None:
    local = NOON.astimezone()
    later = f"{local + 30 * MINUTE:%H:%M}"
    assert parse_shutdown([later], NOON).at == NOON + 30 * MINUTE
    earlier = f"{local - 30 * MINUTE:%H:%M}"
    assert parse_shutdown([earlier], NOON).at == NOON + timedelta(days=1) - 30 * MINUTE


@pytest.mark.parametrize("words", ["-x", "soon", "12:xx"])
def test_what_shutdown_does_not_know_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"option|parse"):
        parse_shutdown(words.split(), NOON)


async def test_a_scheduled_shutdown_comes_at_its_time() -> None:
    clock = SystemClock()
    power = Power(clock)
    power.schedule(Shutdown("reboot", clock.now() + timedelta(milliseconds=20)))
    await power.keep_time()
    assert (await power.down).will == "reboot"
