"""What is to be said of how a launch uses markets before anything is sent."""

from cli.render import note
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import FEWEST_SCORED, Allocation


def cautions(spec: LaunchSpec) -> list[str]:
    """Return what markets will not do for a launch, as lines."""
    if spec.allocation is not Allocation.CAPACITY or len(spec.instance_types) >= FEWEST_SCORED:
        return []
    said = (
        f"--allocation capacity: AWS scores a choice of {FEWEST_SCORED} types or more; with fewer,"
        " types and zones are tried in your order"
    )
    return [said]


def warn(spec: LaunchSpec) -> None:
    """Say it on standard error."""
    for line in cautions(spec):
        note(f"warning: {line}")
