"""What is to be said of a launch's checkpoints before anything is sent."""

from cli.render import note
from spawn.contracts.checkpoints import OnInterruption
from spawn.contracts.launches import LaunchSpec


def cautions(spec: LaunchSpec) -> list[str]:
    """Return what a launch's checkpoints will not do, as lines."""
    said: list[str] = []
    saves = bool(spec.checkpoint_script)
    if saves and spec.uses_spot and spec.replace is not False and not spec.checkpoint_uri:
        said.append(
            "without --checkpoint-uri a replacement does not see what was saved on the machine"
        )
    if saves and spec.permissions.role and _needs_permission(spec):
        said.append(
            f"--iam-role {spec.permissions.role}: its own policies have to allow the checkpoints"
        )
    if spec.on_interruption is OnInterruption.HIBERNATE:
        said.append(
            "--on-interruption hibernate: it begins at once, so that nothing runs before it"
        )
    return said


def _needs_permission(spec: LaunchSpec) -> bool:
    return bool(spec.checkpoint_uri) or spec.checkpoint_script.startswith("s3://")


def warn(spec: LaunchSpec) -> None:
    """Say it on standard error."""
    for line in cautions(spec):
        note(f"warning: {line}")
