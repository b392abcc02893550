"""What the cloud holds and has done, as `GET /_spawn/state` shows it."""

from collections import Counter

import msgspec

from sandbox import metrics
from sandbox.behaviour import Fault
from sandbox.behaviours import Behaviours
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.launch_log import LaunchEntry
from sandbox.ec2.states import State
from sandbox.front import Front
from sandbox.tally import Name


class RegionView(msgspec.Struct, frozen=True):
    """One region's instances and calls."""

    instances: dict[str, int]
    """Count by state."""
    calls: dict[str, int]
    """Count by `service.Api`."""
    throttled: dict[str, int]


class PoolView(msgspec.Struct, frozen=True):
    """A pool with a limit."""

    market: str
    instance_type: str
    zone: str
    free: int


class View(msgspec.Struct, frozen=True):
    """Everything at once."""

    regions: dict[str, RegionView]
    pools: list[PoolView]
    faults: tuple[Fault, ...]
    throttling: bool
    enforcing: bool
    """Whether users and roles are held to their policies."""
    launches: list[LaunchEntry]
    """RunInstances calls, oldest first."""


def of(cloud: Cloud, front: Front, behaviours: Behaviours) -> View:
    """Return the state."""
    counts = _instances(cloud)
    names = {region for region, _ in counts} | {name.region for name in front.tally.calls}
    return View(
        regions={
            name: RegionView(
                instances={state: n for (region, state), n in counts.items() if region == name},
                calls=_by_api(front.tally.calls, name),
                throttled=_by_api(front.tally.throttled, name),
            )
            for name in sorted(names)
        },
        pools=[
            PoolView(pool.market, pool.instance_type, pool.zone, free)
            for pool, free in cloud.capacity.limited().items()
        ],
        faults=behaviours.faults.waiting(),
        throttling=behaviours.throttling,
        enforcing=behaviours.enforcing,
        launches=list(cloud.launches),
    )


def measure(cloud: Cloud) -> None:
    """Set the gauges to the state as it is now."""
    counts = _instances(cloud)
    for region in {region for region, _ in counts}:
        for state in State:
            number = counts[region, state.value]
            metrics.INSTANCES.labels(state=state.value, region=region).set(number)


def _instances(cloud: Cloud) -> Counter[tuple[str, str]]:
    return Counter(
        (str(region.name), record.state.value)
        for region in cloud.regions()
        for record in region.records.by_id.values()
    )


def _by_api(counts: Counter[Name], region: str) -> dict[str, int]:
    return {
        f"{name.service}.{name.api}": number
        for name, number in counts.items()
        if name.region == region
    }
