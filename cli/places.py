"""What the surroundings say: where the bus is, whose deployment, which region."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from spawn.contracts.checks import Limits
from spawn.contracts.ids import InstanceId
from spawn.errors import NotFound
from spawn.runtime.home import BusAddress, ControlState, find_bus, locate, running
from spawn.runtime.settings import load


class AwsSettings(msgspec.Struct, frozen=True):
    """The region as AWS's own tools are told of it: `AWS_REGION`, `AWS_DEFAULT_REGION`."""

    region: str = ""
    """Region of a launch that names none."""
    default_region: str = ""
    """The same, where AWS_REGION is not set."""


class DeploymentSettings(msgspec.Struct, frozen=True):
    """`SPAWN_DEPLOYMENT`: the deployment on whose bus we are."""

    deployment: str = ""
    """Whose arrays these are; the embedded control plane's own when unset."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where commands go. Deployment and region are empty where the surroundings don't say."""

    bus: BusAddress
    deployment: str
    region: str


def region_around() -> str:
    """Return the region that the environment or the running laptop cloud names, or nothing."""
    aws = load(AwsSettings, prefix="AWS_")
    return aws.region or aws.default_region or _sandbox_region(_embedded())


def limits_around() -> Limits:
    """Return the limits of a launch; raised ones are told by the launcher's own variables."""
    return load(Limits, prefix="SPAWN_MAX_")


def find_place() -> Place:
    """Find the control plane; raise `Transient` saying how to start one when there is none."""
    state = _embedded()
    bus = find_bus(locate())
    return Place(
        bus=bus,
        deployment=load(DeploymentSettings).deployment or (state.deployment if state else ""),
        region=region_around(),
    )


def _embedded() -> ControlState | None:
    """Return the control plane of this machine, unless the environment names another bus."""
    home = locate()
    state = running(home)
    if state is None or _endpoint(find_bus(home).url) != _endpoint(state.bus_url):
        return None
    return state


def _endpoint(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def _sandbox_region(state: ControlState | None) -> str:
    return state.sandbox.region if state and state.sandbox else ""


def enter_program(instance_id: InstanceId) -> Path | None:
    """Return what opens a shell inside a machine of the laptop cloud; None when that isn't used.

    Raises `NotFound` when the machine has no process.
    """
    state = _embedded()
    if state is None or state.sandbox is None:
        return None
    program = locate().sandbox / "machines" / instance_id / "enter"
    if not program.exists():
        raise NotFound(f"{instance_id} is not running as a process of this machine")
    return program
