"""What a machine does at a notice, with the real archive and a real nats-server."""

import asyncio
import json
from datetime import timedelta

import pytest

from spawn.bus.connection import Bus
from spawn.clock import SystemClock
from spawn.contracts.assignments import Tell
from spawn.contracts.checkpoints import (
    CheckpointCause,
    CheckpointSignal,
    OnRebalance,
)
from spawn.contracts.launches import JobSpec
from spawn.contracts.notices import NoticeAction, NoticeKind, Told
from spawn.contracts.reports import (
    CheckpointBegun,
    CheckpointDone,
    CheckpointLost,
    CheckpointUnready,
    NoticeSeen,
)
from tests.agent.launcher import INSTANCE, OTHER, launching
from tests.agent.leaving import (
    SAVE,
    a_job,
    a_notice,
    a_plan,
    names_of,
    runs_of,
    until_running,
)
from tests.agent.machine import Machine

pytestmark = pytest.mark.door


async def test_a_notice_saves_then_ends_the_job_then_the_machine(
    bus: Bus, machine: Machine
) -> None:
    async with launching(bus, a_job(a_plan())) as launcher:
        await machine.start()
        await until_running(machine)
        for _ in range(3):
            await launcher.nudge(a_notice())
        exited = await launcher.exited()
        await machine.until_called("shutdown -P now")
    (begun,) = await launcher.until("checkpoint.started")
    (done,) = await launcher.until("checkpoint.finished")
    assert isinstance(begun, CheckpointBegun)
    assert isinstance(done, CheckpointDone)
    assert (done.tail, done.cause) == ("saved", CheckpointCause.INTERRUPTION)
    assert (exited.interrupted, exited.exit_code) == (True, 0)
    assert exited.tail.endswith("saved by the job")
    assert runs_of(machine) == [f"terminate 0 s3://bucket/runs/{launcher.assignment.array_id}/0/"]
    told = [name for name in names_of(launcher) if name != "job.started"]
    assert told == ["hello", "checkpoint.started", "checkpoint.finished", "job.exited"]


async def test_the_metadata_service_alone_is_heard_and_reported_once(
    bus: Bus, machine: Machine
) -> None:
    dies_at = (SystemClock().now() + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine.imds.texts["instance-life-cycle"] = "spot"
    machine.imds.texts["events/recommendations/rebalance"] = "{}"
    machine.imds.texts["spot/instance-action"] = json.dumps(
        {"action": "terminate", "time": dies_at}
    )
    async with launching(bus, a_job(a_plan())) as launcher:
        await machine.start()
        seen = await launcher.until("notice", 2)
        await launcher.nudge(a_notice())
        exited = await launcher.exited()
    assert [each.kind for each in seen if isinstance(each, NoticeSeen)] == [
        NoticeKind.INTERRUPTION,
        NoticeKind.REBALANCE,
    ]
    assert exited.interrupted
    assert names_of(launcher).count("notice") == 2
    assert len(runs_of(machine)) == 1


async def test_the_signal_may_come_first(bus: Bus, machine: Machine) -> None:
    script = 'grep saved ~/log && sleep 0.3 && touch "$SPAWN_CHECKPOINT_DIR/late"'
    command = "trap 'echo saved >~/log; exit 7' TERM; touch ~/runs; while :; do sleep 0.05; done"
    plan = a_plan(script, signal=CheckpointSignal.FIRST)
    async with launching(bus, a_job(plan, command)) as launcher:
        await machine.start()
        await until_running(machine)
        await launcher.nudge(a_notice())
        exited = await launcher.exited()
        # The end of the job is told after what is saved of it.
        assert (machine.root / "var/lib/spawn/checkpoint/late").exists()
    assert (exited.exit_code, exited.restarts, exited.interrupted) == (7, 0, True)
    assert names_of(launcher)[-2:] == ["checkpoint.finished", "job.exited"]


@pytest.mark.parametrize(
    ("script", "most", "code", "reason"),
    [
        pytest.param("echo no; exit 3", 90, 3, "checkpoint: exit code 3", id="fails"),
        pytest.param(
            "trap : TERM; while :; do sleep 1; done",
            4,
            137,
            "checkpoint: cut off: it took longer than it may",
            id="hangs",
        ),
        pytest.param("#!/no/such/shell\n", 90, 127, "checkpoint: can't be started", id="unusable"),
    ],
)
async def test_a_checkpoint_that_fails_is_reported_and_the_rest_goes_on(
    bus: Bus, machine: Machine, script: str, most: int, code: int, reason: str
) -> None:
    async with launching(bus, a_job(a_plan(script, timeout_seconds=most))) as launcher:
        await machine.start()
        await until_running(machine)
        await launcher.nudge(a_notice())
        (lost,) = await launcher.until("checkpoint.failed")
        exited = await launcher.exited()
    assert isinstance(lost, CheckpointLost)
    assert lost.exit_code == code
    assert lost.reason.startswith(reason)
    assert exited.interrupted


async def test_a_notice_that_comes_too_late_leaves_no_time(bus: Bus, machine: Machine) -> None:
    async with launching(bus, a_job(a_plan())) as launcher:
        await machine.start()
        await until_running(machine)
        await launcher.nudge(a_notice(seconds=5))
        (lost,) = await launcher.until("checkpoint.failed")
        exited = await launcher.exited()
    assert isinstance(lost, CheckpointLost)
    assert lost.reason.startswith("there was no time left for it")
    assert exited.interrupted


async def test_a_flood_is_bounded_on_disk_and_in_the_report(bus: Bus, machine: Machine) -> None:
    flood = "head -c 20000000 /dev/zero | tr '\\0' x; echo; exit 4"
    async with launching(bus, a_job(a_plan(flood))) as launcher:
        await machine.start()
        await until_running(machine)
        await launcher.nudge(a_notice())
        (lost,) = await launcher.until("checkpoint.failed")
        await launcher.exited()
    assert isinstance(lost, CheckpointLost)
    assert "bytes of output are left out" in lost.tail
    assert len(lost.tail) <= 4096
    spool = machine.root / "var/lib/spawn/checkpoints/interruption-terminate-boot-1/spool"
    assert sum(each.stat().st_size for each in spool.iterdir()) < 5_000_000


async def test_a_missing_script_is_warned_of_at_boot(bus: Bus, machine: Machine) -> None:
    async with launching(bus, a_job(a_plan("s3://bucket/none.sh"))) as launcher:
        await machine.start()
        (warned,) = await launcher.until("checkpoint.warned")
        await until_running(machine)
        await launcher.nudge(a_notice())
        (lost,) = await launcher.until("checkpoint.failed")
        exited = await launcher.exited()
    assert isinstance(warned, CheckpointUnready)
    assert "no role" in warned.reason
    assert isinstance(lost, CheckpointLost)
    assert "no role" in lost.reason
    assert exited.interrupted


async def test_a_missing_script_fails_a_strict_launch(bus: Bus, machine: Machine) -> None:
    plan = a_plan("s3://bucket/none.sh", strict=True)
    async with launching(bus, a_job(plan)) as launcher:
        await machine.start()
        await launcher.until("boot.failed")
    assert not (machine.root / "var/lib/spawn/job/plan.json").exists()


async def test_a_job_that_waits_for_peers_does_not_begin_any_more(
    bus: Bus, machine: Machine
) -> None:
    async with launching(bus, a_job(a_plan()), size=2) as launcher:
        await machine.start()
        await launcher.until("hello")
        await launcher.nudge(a_notice())
        exited = await launcher.exited()
        await machine.until_called("shutdown -P now")
    assert (exited.exit_code, exited.interrupted) == (143, True)
    assert "job.started" not in names_of(launcher)


async def test_an_agent_that_is_killed_meanwhile_runs_the_script_once(
    bus: Bus, machine: Machine
) -> None:
    script = f"{SAVE}until [ -e ~/go ]; do sleep 0.05; done\n"
    async with launching(bus, a_job(a_plan(script))) as launcher:
        await machine.start()
        await until_running(machine)
        await launcher.nudge(a_notice())
        await launcher.until("checkpoint.started")
        await machine.kill()
        await machine.start()
        machine.go()
        await launcher.until("checkpoint.finished")
        exited = await launcher.exited()
    assert exited.interrupted
    assert len(runs_of(machine)) == 1


async def test_a_machine_that_was_stopped_and_started_saves_its_work_again(
    bus: Bus, machine: Machine
) -> None:
    script = 'date >>"$SPAWN_CHECKPOINT_DIR/runs"'
    plan = a_plan(script, on_rebalance=OnRebalance.CHECKPOINT)
    likelier = Told(
        instance_id=INSTANCE,
        rank=0,
        generation=0,
        kind=NoticeKind.REBALANCE,
        action=NoticeAction.NONE,
    )
    async with launching(bus, JobSpec(checkpoint=plan)) as launcher:
        for boot in (1, 2):
            boot_id = machine.root / "proc/sys/kernel/random/boot_id"
            boot_id.write_text(f"boot-{boot}\n")
            await machine.start()
            await launcher.until("hello", boot)
            await launcher.nudge(Tell(what="notice", notice=likelier))
            await launcher.until("checkpoint.finished", boot)
            await machine.stop()
    assert len(runs_of(machine)) == 2


async def test_notices_of_others_are_written_down(bus: Bus, machine: Machine) -> None:
    command = "until grep -s rebalance $SPAWN_NOTICES_FILE; do sleep 0.05; done"
    async with launching(bus, a_job(a_plan(), command)) as launcher:
        await machine.start()
        told = Told(
            instance_id=OTHER,
            rank=3,
            generation=1,
            kind=NoticeKind.REBALANCE,
            action=NoticeAction.NONE,
        )
        await launcher.until("job.started")
        await launcher.nudge(Tell(what="notice", notice=told))
        exited = await launcher.exited()
    assert not exited.interrupted
    (entry,) = json.loads((machine.root / "etc/spawn/notices.json").read_text())
    assert (entry["index"], entry["kind"], entry["dies_at"]) == (3, "rebalance", "")


async def test_a_checkpoint_on_request_leaves_the_job_alone(bus: Bus, machine: Machine) -> None:
    script = "test $INTERRUPTION_ACTION = none && touch ~/go"
    command = "until [ -e ~/go ]; do sleep 0.05; done"
    async with launching(bus, a_job(a_plan(script), command)) as launcher:
        await machine.start()
        await launcher.until("job.started")
        await asyncio.gather(
            *(launcher.nudge(Tell(what="checkpoint", request_id="r1")) for _ in range(3))
        )
        (done,) = await launcher.until("checkpoint.finished")
        exited = await launcher.exited()
    assert isinstance(done, CheckpointDone)
    assert (done.cause, done.request_id) == (CheckpointCause.REQUEST, "r1")
    assert (exited.exit_code, exited.interrupted) == (0, False)
