"""Finding the control plane, the deployment and the region."""

import os

import msgspec
import pytest

from cli.places import find_place, limits_around
from spawn.errors import Transient
from spawn.runtime.home import ControlState, SandboxFacts, locate
from spawn.runtime.processes import refer

SANDBOX = SandboxFacts(
    pid=1,
    endpoint="http://127.0.0.1:1",
    region="eu-north-1",
    access_key_id="a",
    secret_access_key="b",
)


@pytest.fixture
def embedded(surroundings: pytest.MonkeyPatch) -> ControlState:
    """A control plane that runs on this machine, supervised by this very process."""
    supervisor = refer(os.getpid())
    assert supervisor
    state = ControlState(
        deployment="mine",
        mode="sandbox",
        isolate=False,
        state="ready",
        supervisor=supervisor,
        bus_url="nats://127.0.0.1:4333",
        monitor_url="",
        services=("launcher",),
        sandbox=SANDBOX,
    )
    home = locate()
    home.root.mkdir()
    home.control.write_bytes(msgspec.json.encode(state))
    return state


def test_the_control_plane_of_this_machine_is_found(embedded: ControlState) -> None:
    place = find_place()
    assert place.bus.url == embedded.bus_url
    assert place.bus.creds == str(locate().creds("cli"))
    assert (place.deployment, place.region) == ("mine", "eu-north-1")


def test_an_observer_s_url_of_the_same_bus_does_not_make_an_observer_of_us(
    embedded: ControlState, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("SPAWN_NATS_URL", "nats://observer:secret@127.0.0.1:4333")
    assert find_place().bus.creds == str(locate().creds("cli"))
    assert find_place().bus.url == embedded.bus_url


def test_another_bus_is_neither_our_deployment_nor_our_region(
    embedded: ControlState, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("SPAWN_NATS_URL", "nats://bus.example.org:4222")
    surroundings.setenv("SPAWN_NATS_CREDS", "/run/creds")
    place = find_place()
    assert (place.bus.url, place.bus.creds) == ("nats://bus.example.org:4222", "/run/creds")
    assert (place.deployment, place.region) == ("", "")


def test_the_environment_wins_over_the_laptop_cloud(
    embedded: ControlState, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("SPAWN_DEPLOYMENT", "other")
    surroundings.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert (find_place().deployment, find_place().region) == ("other", "eu-west-1")
    surroundings.setenv("AWS_REGION", "eu-west-3")
    assert find_place().region == "eu-west-3"


def test_nothing_running_says_how_to_start(surroundings: pytest.MonkeyPatch) -> None:
    with pytest.raises(Transient, match="spawn up --sandbox"):
        find_place()


def test_limits_are_those_that_the_launcher_is_told(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("SPAWN_MAX_COUNT", "9000")
    assert limits_around().count == 9000
