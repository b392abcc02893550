"""From a launch's fields to what its machines do at a notice."""

from datetime import timedelta

from spawn.contracts.checkpoints import TIMEOUT, CheckpointPlan, OnInterruption
from spawn.contracts.durations import parse_duration
from spawn.contracts.launches import LaunchSpec


def checkpoint_of(spec: LaunchSpec) -> CheckpointPlan:
    """Return what machines are told; defaults that depend on each other are settled."""
    default = OnInterruption.CHECKPOINT if spec.checkpoint_script else OnInterruption.TERMINATE
    return CheckpointPlan(
        on_interruption=spec.on_interruption or default,
        on_rebalance=spec.on_rebalance,
        script=spec.checkpoint_script,
        timeout_seconds=int(timeout_of(spec).total_seconds()),
        signal=spec.checkpoint_signal,
        uri=spec.checkpoint_uri.rstrip("/"),
        strict=spec.checkpoint_strict,
    )


def timeout_of(spec: LaunchSpec) -> timedelta:
    """Return how long a checkpoint may take where the cloud sets no deadline."""
    return parse_duration(spec.checkpoint_timeout) if spec.checkpoint_timeout else TIMEOUT
