"""Jobs that save their work, notices of their machine, and what came of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.accounts import own_account
from spawn.clock import SystemClock
from spawn.contracts.assignments import Tell
from spawn.contracts.checkpoints import CheckpointPlan
from spawn.contracts.checkpoints import OnInterruption as At
from spawn.contracts.ids import InstanceId
from spawn.contracts.launches import JobSpec, OnComplete
from spawn.contracts.notices import NoticeAction, NoticeKind, Told
from tests.agent.launcher import INSTANCE, Launcher
from tests.agent.machine import Machine

TRAPS = "trap 'echo saved by the job; exit 0' TERM; touch ~/runs; while :; do sleep 0.05; done"
SAVE = """#!/bin/sh
echo "$INTERRUPTION_ACTION $SPAWN_RANK $SPAWN_CHECKPOINT_URI" >>"$SPAWN_CHECKPOINT_DIR/runs"
test -n "$INTERRUPTION_TIME" && test "$SPAWN_DEADLINE_SECONDS" -gt 5 && echo saved
"""


def a_job(plan: CheckpointPlan, command: str = TRAPS) -> JobSpec:
    return JobSpec(command=command, on_complete=OnComplete.TERMINATE, retries=3, checkpoint=plan)


def a_plan(script: str = SAVE, **more: Any) -> CheckpointPlan:
    return CheckpointPlan(
        on_interruption=At.CHECKPOINT, script=script, uri="s3://bucket/runs", **more
    )


def a_notice(instance_id: InstanceId = INSTANCE, seconds: float = 120) -> Tell:
    dies_at = SystemClock().now() + timedelta(seconds=seconds)
    told = Told(
        instance_id=instance_id,
        rank=0,
        generation=0,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        dies_at=dies_at,
    )
    return Tell(what="notice", notice=told)


async def until_running(machine: Machine) -> None:
    await machine.until(Path(own_account(machine.root).home, "runs").exists)


def runs_of(machine: Machine) -> list[str]:
    """Return a line for each run of the script."""
    return (machine.root / "var/lib/spawn/checkpoint/runs").read_text().splitlines()


def names_of(launcher: Launcher) -> list[str]:
    return [name for name, _ in launcher.said if name != "heartbeat"]
