"""Reports: what a machine says, on `spawn.agent.<array>.<instance>.<report>`.

Stream `SPAWN_AGENT`; JSON; the ids in the subject are the only ones that count. `Nats-Msg-Id` is
`<instance>/<report>/<boot id>/<number>`, so that a report sent again is the same report.
"""

from datetime import datetime

import msgspec

from spawn.contracts.checkpoints import CheckpointCause
from spawn.contracts.members import Facts
from spawn.contracts.notices import NoticeAction, NoticeKind, NoticeSource

STREAM = "SPAWN_AGENT"
SUBJECTS = "spawn.agent.>"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a machine says: of which generation it is, and when it happened there."""

    generation: int
    at: datetime


class Hello(Report, frozen=True, kw_only=True):
    """`hello`: the agent runs. Sent after every start of the agent, and answered by nothing."""

    boot_id: str
    agent_version: str
    facts: Facts


class Heartbeat(Report, frozen=True, kw_only=True):
    """`heartbeat`, every 60 s: idle signals as deltas over `window_seconds`; None is unknown.

    Shares are of 1.0, rates in bytes a second; `armed_lease` is what the dead-man switch has.
    """

    window_seconds: float
    job_processes: int | None = None
    ssh_sessions: int | None = None
    cpu_share: float | None = None
    network_rate: float | None = None
    disk_rate: float | None = None
    gpu_share: float | None = None
    armed_lease: datetime | None = None


class JobStarted(Report, frozen=True, kw_only=True):
    """`job.started`: the command runs, for the `restart`-th time after its first."""

    restart: int = 0


class JobExited(Report, frozen=True, kw_only=True):
    """`job.exited`: the command has ended for good; `tail` is the end of its output.

    `exit_code` is 128 + the signal's number when a signal ended it. `interrupted`: it was told to
    end because its machine is going away, or was not begun for that reason; its checkpoint is then
    over, too, and a successor may begin.
    """

    exit_code: int
    restarts: int = 0
    reason: str = ""
    tail: str = ""
    interrupted: bool = False


class BootFailed(Report, frozen=True, kw_only=True):
    """`boot.failed`: a step before the job could not be done; `step` names it."""

    step: str
    reason: str


class NoticeSeen(Report, frozen=True, kw_only=True):
    """`notice`: the machine's metadata service says that something will happen to it.

    `dies_at` is the instant that it names, absent for a rebalance.
    """

    kind: NoticeKind
    action: NoticeAction
    dies_at: datetime | None = None
    source: NoticeSource = NoticeSource.METADATA


class CheckpointReport(Report, frozen=True, kw_only=True):
    """Base of what a machine says of a checkpoint; `request_id` is of who asked for it."""

    cause: CheckpointCause = CheckpointCause.INTERRUPTION
    request_id: str = ""


class CheckpointUnready(Report, frozen=True, kw_only=True):
    """`checkpoint.warned`: the machine has no script that it could run; `reason` says why."""

    reason: str


class CheckpointBegun(CheckpointReport, frozen=True, kw_only=True):
    """`checkpoint.started`: the script, whose digest is `sha256`, may run until `until`."""

    sha256: str
    until: datetime | None = None


class CheckpointDone(CheckpointReport, frozen=True, kw_only=True):
    """`checkpoint.finished`: it has ended well after `seconds`; `tail` is its last output."""

    seconds: float
    tail: str = ""


class CheckpointLost(CheckpointReport, frozen=True, kw_only=True):
    """`checkpoint.failed`: it ended badly, was cut off, or could not be run."""

    seconds: float
    reason: str
    exit_code: int | None = None
    tail: str = ""


class ExecOutput(Report, frozen=True, kw_only=True):
    """`exec.<id>`: output of an exec request, base64 in JSON; the last one has an exit code."""

    rank: int
    stream: str = "stdout"
    data: bytes = b""
    exit_code: int | None = None


REPORTS: dict[str, type[Report]] = {
    "hello": Hello,
    "heartbeat": Heartbeat,
    "job.started": JobStarted,
    "job.exited": JobExited,
    "boot.failed": BootFailed,
    "notice": NoticeSeen,
    "checkpoint.warned": CheckpointUnready,
    "checkpoint.started": CheckpointBegun,
    "checkpoint.finished": CheckpointDone,
    "checkpoint.failed": CheckpointLost,
}


def report_subject(array_id: str, instance_id: str, report: str) -> str:
    """Return the subject of a report."""
    return f"spawn.agent.{array_id}.{instance_id}.{report}"
