"""Checkpoints: what a machine saves of its work before it goes, and what makes it do so.

The launch says it in fields of `LaunchSpec`, a machine hears it as the `CheckpointPlan` of its
job, and says how it went in the reports `checkpoint.*`, which become events of the same name.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from spawn.contracts.ids import ArrayId

API_CHECKPOINT = "spawn.api.launcher.checkpoint"
"""Run the checkpoint script of some members now."""

TIMEOUT = timedelta(seconds=90)
"""How long a checkpoint may take unless the launch says otherwise: of two minutes' notice a
measured one left 108 s (reference: github.com/runs-on/runs-on/issues/277)."""

LONGEST_TIMEOUT = timedelta(hours=1)
"""Only checkpoints that nobody has a deadline for may take this long."""

BEFORE_DEADLINE = timedelta(seconds=10)
"""What a checkpoint leaves of the time until its machine dies, to report how it went."""

LARGEST_SCRIPT = 256 * 1024
"""Bytes of a script, given as text or fetched."""


class OnInterruption(StrEnum):
    """What an interruption means for the machine.

    A checkpoint before it is terminated, or what the cloud does with it without one.
    """

    CHECKPOINT = "checkpoint"
    HIBERNATE = "hibernate"
    STOP = "stop"
    TERMINATE = "terminate"


class OnRebalance(StrEnum):
    """What it means that an interruption has become likelier.

    Nothing, a checkpoint beside the job, or that the member is replaced as if interrupted.
    """

    IGNORE = "ignore"
    CHECKPOINT = "checkpoint"
    REPLACE = "replace"


class CheckpointSignal(StrEnum):
    """When the job gets its SIGTERM: before the checkpoint script runs, or after it."""

    FIRST = "first"
    LAST = "last"


class CheckpointCause(StrEnum):
    """What a checkpoint is made for."""

    INTERRUPTION = "interruption"
    REBALANCE = "rebalance"
    REQUEST = "request"


class CheckpointState(StrEnum):
    """How far a checkpoint is; `warned`: the machine has no script that it could run."""

    WARNED = "warned"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


class CheckpointPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine does at a notice; part of its `JobSpec`.

    `script` is a text, or the `s3://` or `https://` address of one; empty for none. Checkpoints
    are kept below `uri`, an `s3://` address, by array and rank: `<uri>/<array>/<rank>/`.
    """

    on_interruption: OnInterruption = OnInterruption.TERMINATE
    on_rebalance: OnRebalance = OnRebalance.IGNORE
    script: str = ""
    timeout_seconds: int = int(TIMEOUT.total_seconds())
    signal: CheckpointSignal = CheckpointSignal.LAST
    uri: str = ""
    strict: bool = False


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of a member's last checkpoint; `at` is the machine's own time."""

    generation: int
    state: CheckpointState
    at: datetime
    seconds: float = 0.0
    reason: str = ""


class CheckpointRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask machines to run their checkpoint script beside the job; no `ranks`: all of them."""

    array_id: ArrayId
    ranks: tuple[int, ...] = ()


class CheckpointAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The machines that were told; their events carry `request_id`."""

    request_id: str
    ranks: tuple[int, ...]


def is_address(script: str) -> bool:
    """Say whether a checkpoint script is to be fetched from where it says."""
    return script.startswith(("s3://", "https://"))
