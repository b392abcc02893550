from datetime import timedelta
from typing import Annotated

import msgspec
import pytest

from spawn.bus.settings import BusSettings
from spawn.errors import Rejected
from spawn.runtime.context import RuntimeSettings
from spawn.runtime.settings import Variable, load, variables


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    wait: Annotated[timedelta, msgspec.Meta(description="How long")] = timedelta(minutes=90)
    names: Annotated[tuple[str, ...], msgspec.Meta(description="Which")] = ("a", "b")
    limits: Annotated[tuple[int, ...], msgspec.Meta(description="How many")] = ()
    count: Annotated[int, msgspec.Meta(description="How often")] = 3


def test_settings_come_from_the_environment() -> None:
    env = {
        "SPAWN_PLACE": "here",
        "SPAWN_WAIT": "1d12h",
        "SPAWN_NAMES": "c,d,",
        "SPAWN_LIMITS": "1,2",
        "SPAWN_COUNT": "",
    }
    assert load(Sample, env=env) == Sample(
        place="here", wait=timedelta(hours=36), names=("c", "d"), limits=(1, 2)
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SPAWN_COUNT", "many"),
        ("SPAWN_WAIT", "soon"),
        ("SPAWN_LIMITS", "1,x"),
        ("SPAWN_PLACE", ""),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    with pytest.raises(Rejected) as raised:
        load(Sample, env={"SPAWN_PLACE": "here", variable: value})
    assert raised.value.field == variable
    assert variable in raised.value.message


def test_a_level_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Rejected, match="use one of DEBUG, INFO, WARNING, ERROR, CRITICAL"):
        load(RuntimeSettings, env={"SPAWN_LOG_LEVEL": "LOUD"})


def test_settings_are_listed_with_their_defaults() -> None:
    assert variables(Sample) == (
        Variable("SPAWN_PLACE", None, ""),
        Variable("SPAWN_WAIT", "1h30m", "How long"),
        Variable("SPAWN_NAMES", "a,b", "Which"),
        Variable("SPAWN_LIMITS", "", "How many"),
        Variable("SPAWN_COUNT", "3", "How often"),
    )


@pytest.mark.parametrize("kind", [BusSettings, RuntimeSettings])
def test_every_setting_is_described(kind: type[msgspec.Struct]) -> None:
    assert all(variable.description for variable in variables(kind))


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    size: Annotated[int, msgspec.Meta(ge=1, le=100, description="Instances a call.")] = 100
    poll: Annotated[timedelta, msgspec.Meta(description="Between looks.")] = timedelta(seconds=0.4)


def test_a_bound_of_a_setting_holds() -> None:
    with pytest.raises(Rejected, match="SPAWN_SIZE='500'"):
        load(Bounded, env={"SPAWN_SIZE": "500"})


def test_a_duration_below_a_second_is_written_in_milliseconds() -> None:
    assert load(Bounded, env={"SPAWN_POLL": "250ms"}).poll == timedelta(milliseconds=250)
    assert [each.default for each in variables(Bounded)] == ["100", "400ms"]
