"""The whole life of a machine's job, with the real archive and a real nats-server."""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from agent.accounts import own_account
from spawn.bus.connection import Bus
from spawn.contracts.assignments import Tell
from spawn.contracts.launches import EnvCompat, JobSpec, OnComplete
from spawn.contracts.leases import Lease
from spawn.contracts.members import Facts
from spawn.contracts.reports import BootFailed, ExecOutput, Heartbeat
from tests.agent.launcher import OTHER, a_peer, launching, output_of_lines
from tests.agent.machine import WAIT, Machine, a_machine, text_of
from tests.fixtures.nats import NatsServer

pytestmark = pytest.mark.door

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 spawn"


async def test_hello_peers_job_output_exit_and_power_off(bus: Bus, machine: Machine) -> None:
    job = JobSpec(
        command="echo rank $JOB_ARRAY_INDEX of $JOB_ARRAY_SIZE; echo to stderr >&2; exit 3",
        on_complete=OnComplete.TERMINATE,
    )
    async with launching(bus, job) as launcher:
        await machine.start()
        exited = await launcher.exited()
        output = await output_of_lines(bus, 2)
        await machine.until_called("shutdown -P now")
    assert output == b"rank 0 of 1\nto stderr\n"
    assert (exited.exit_code, exited.restarts) == (3, 0)
    assert exited.tail == "rank 0 of 1\nto stderr"
    assert exited.reason == "command: exit code 3"
    peers = json.loads((machine.root / "etc/spawn/job-array-peers.json").read_text())
    assert [each["index"] for each in peers] == [0]
    assert [name for name, _ in launcher.said] == ["hello", "job.started", "job.exited"]


async def test_nothing_runs_before_all_peers_are_there(bus: Bus, machine: Machine) -> None:
    command = "cat $SPAWN_HOSTFILE; echo $MASTER_ADDR; env | grep ^RANK"
    job = JobSpec(command=command, env_compat=(EnvCompat.TORCH,))
    async with launching(bus, job, size=2) as launcher:
        await machine.start()
        await launcher.until("hello")
        await launcher.until_asked(2)
        assert not (machine.root / "etc/spawn/job-array-peers.json").exists()
        launcher.others.append(a_peer(1, OTHER, Facts(slots=7, host_key=KEY, user_key=KEY)))
        await launcher.nudge()
        exited = await launcher.exited()
    assert exited.exit_code == 0
    assert exited.tail.splitlines()[1:] == ["10.0.0.2 slots=7", "10.0.0.1", "RANK=0"]
    home = own_account(machine.root).home
    assert KEY in text_of(Path(home, ".ssh/authorized_keys"))
    assert f"training-1,10.0.0.2 {KEY}" in text_of(Path(home, ".ssh/known_hosts"))
    profile = (machine.root / "etc/profile.d/job-array.sh").read_text()
    assert "export JOB_ARRAY_SIZE=2\n" in profile


async def test_5000_peers_are_one_file(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec(command="wc -l <$SPAWN_HOSTFILE"), size=5000) as launcher:
        facts = Facts(hostname="h" * 60, host_key=f"{KEY}{'A' * 80}", user_key=KEY)
        launcher.others += (a_peer(rank, OTHER, facts) for rank in range(1, 5000))
        await machine.start()
        exited = await launcher.exited()
    assert (exited.exit_code, exited.tail) == (0, "5000")
    peers = json.loads((machine.root / "etc/spawn/job-array-peers.json").read_text())
    assert [each["index"] for each in peers] == list(range(5000))


async def test_a_boot_script_alone_is_the_job(bus: Bus, machine: Machine) -> None:
    script = "#!/bin/sh\necho from $0 as $(id -u); exit 5\n"
    async with launching(bus, JobSpec(user_data=script)) as launcher:
        await machine.start()
        exited = await launcher.exited()
    assert (exited.exit_code, exited.reason) == (5, "boot script: exit code 5")
    assert exited.tail == f"from {machine.root}/var/lib/spawn/job/script as {os.geteuid()}"
    assert [name for name, _ in launcher.said] == ["hello", "job.started", "job.exited"]


async def test_a_job_that_cant_be_run_is_told_and_named(bus: Bus, machine: Machine) -> None:
    job = JobSpec(command="true", environment={"BIG": "x" * 200_000})
    async with launching(bus, job) as launcher:
        await machine.start()
        (failed,) = await launcher.until("boot.failed")
    assert isinstance(failed, BootFailed)
    assert "BIG has 200004 bytes" in failed.reason


async def test_a_command_of_200_kb_runs(bus: Bus, machine: Machine) -> None:
    job = JobSpec(command="# " + "x" * 200_000 + "\necho done")
    async with launching(bus, job) as launcher:
        await machine.start()
        exited = await launcher.exited()
    assert (exited.exit_code, exited.tail) == (0, "done")


async def test_a_launcher_that_has_lost_its_records_changes_nothing(
    bus: Bus, machine: Machine
) -> None:
    job = JobSpec(command=f"{WAIT}; echo done; exit 3", on_complete=OnComplete.TERMINATE)
    async with launching(bus, job) as launcher:
        await machine.start()
        await launcher.until("job.started")
        launcher.greeted.clear()
        launcher.assignment = msgspec.structs.replace(
            launcher.assignment, job=JobSpec(), job_known=False
        )
        await launcher.nudge()
        await launcher.until("hello", 2)
        # An agent that begins anew knows of its job by its own file alone.
        await machine.kill()
        await machine.start()
        await launcher.until("hello", 3)
        machine.go()
        exited = await launcher.exited()
        await machine.until_called("shutdown -P now")
    assert (exited.exit_code, exited.tail) == (3, "done")
    assert [name for name, _ in launcher.said].count("job.started") == 1


async def test_a_new_lease_is_armed(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec()) as launcher:
        await machine.start()
        await launcher.until("hello")
        lease = Lease(until=datetime(2036, 1, 2, 3, 4, 5, tzinfo=UTC))
        launcher.assignment = msgspec.structs.replace(launcher.assignment, lease=lease)
        await launcher.nudge()
        timer = machine.root / "etc/systemd/system/spawn-deadman.timer"
        await machine.until(lambda: "2036-01-02 03:04:20 UTC" in text_of(timer))
        await machine.until(
            lambda: text_of(machine.root / "etc/spawn/armed") == "2036-01-02T03:04:05Z terminate\n"
        )
        (said,) = await launcher.until("heartbeat")
    assert isinstance(said, Heartbeat)
    assert said.armed_lease == lease.until
    assert "systemctl restart spawn-deadman.timer spawn-deadman-cap.timer" in machine.calls()


async def test_who_is_logged_in_is_warned(bus: Bus, machine: Machine) -> None:
    machine.write_shim("wall", 'cat > "$SPAWN_ROOT/written"')
    async with launching(bus, JobSpec()) as launcher:
        await machine.start()
        await launcher.until("hello")
        until = launcher.assignment.lease.until
        await launcher.nudge(Tell(what="warned", until=until, left_seconds=300))
        await machine.until(lambda: "ends in 5 minutes" in text_of(machine.root / "written"))


async def test_an_exec_runs_in_the_jobs_environment(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec(environment={"GREETING": "hi 'there'"})) as launcher:
        await machine.start()
        await launcher.until("hello")
        argv = ("sh", "-c", 'echo "$GREETING $JOB_ARRAY_INDEX"; echo oh >&2; exit 6')
        tell = Tell(what="exec", exec_id="e1", argv=argv, timeout_seconds=20)
        await launcher.nudge(tell)
        said = await launcher.until("exec.e1", 3)
    assert all(isinstance(each, ExecOutput) for each in said)
    outputs = [each for each in said if isinstance(each, ExecOutput)]
    streams = {s: b"".join(e.data for e in outputs if e.stream == s) for s in ("stdout", "stderr")}
    assert streams == {"stdout": b"hi 'there' 0\n", "stderr": b"oh\n"}
    assert [each.exit_code for each in outputs][-1] == 6


async def test_an_exec_of_what_is_not_there_ends_as_in_a_shell(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec()) as launcher:
        await machine.start()
        await launcher.until("hello")
        argv = ("no-such-program",)
        await launcher.nudge(Tell(what="exec", exec_id="e3", argv=argv, timeout_seconds=20))
        (said,) = await launcher.until("exec.e3")
    assert isinstance(said, ExecOutput)
    assert (said.exit_code, said.data[:16]) == (127, b"no-such-program:")


async def test_an_exec_ends_at_its_time(bus: Bus, machine: Machine) -> None:
    async with launching(bus, JobSpec()) as launcher:
        await machine.start()
        await launcher.until("hello")
        argv = ("sh", "-c", "sleep 1000 & sleep 1000")
        await launcher.nudge(Tell(what="exec", exec_id="e2", argv=argv, timeout_seconds=1))
        (said,) = await launcher.until("exec.e2")
    assert isinstance(said, ExecOutput)
    assert said.exit_code == 124


async def test_sigterm_ends_the_agent_and_not_the_job(bus: Bus, machine: Machine) -> None:
    job = JobSpec(command=f"echo begun; {WAIT}; echo end")
    async with launching(bus, job) as launcher:
        await machine.start()
        await output_of_lines(bus, 1)
        assert await machine.stop() == 0
        # A peer that is missing by now holds up only what has not begun.
        launcher.assignment = msgspec.structs.replace(launcher.assignment, size=2)
        machine.go()
        await machine.start()
        exited = await launcher.exited()
        output = await output_of_lines(bus, 2)
    assert exited.exit_code == 0
    assert output == b"begun\nend\n"
    assert len([name for name, _ in launcher.said if name == "job.started"]) == 1
    assert len(set(launcher.ids)) == len(launcher.ids)


async def test_a_machine_that_goes_down_says_first_what_was_printed(
    bus: Bus, machine: Machine
) -> None:
    async with launching(bus, JobSpec(command=f"echo begun; {WAIT}; echo last; sleep 1000")):
        await machine.start()
        await output_of_lines(bus, 1)
        with machine.held():
            machine.go()
            await machine.until(lambda: machine.printed() == b"begun\nlast\n")
            machine.interrupt()
        assert await machine.stop() == 0
        assert await output_of_lines(bus, 2) == b"begun\nlast\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
async def test_the_command_is_the_login_users_and_the_boot_script_roots(
    bus: Bus, nats_server: NatsServer
) -> None:
    job = JobSpec(
        user_data="#!/bin/sh\nid -u\n",
        command="id -u; id -g; pwd; echo named >/dev/stderr; touch mine; echo $USER",
    )
    # Below a folder that another user may enter, unlike those of pytest.
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)  # noqa: PTH101 - a blocking method of a path, says another rule
        async with a_machine(Path(name), nats_server.url) as machine:
            passwd = machine.root / "etc/passwd"
            passwd.parent.mkdir()
            passwd.write_text("ubuntu:x:64123:64124::/home/ubuntu:/bin/bash\n")
            async with launching(bus, job) as launcher:
                await machine.start()
                exited = await launcher.exited()
            home = f"{machine.root}/home/ubuntu"
            expected = ["0", "64123", "64124", home, "named", "ubuntu"]
            assert exited.tail.splitlines() == expected
            assert machine.owner_of("home/ubuntu/mine") == 64123
            assert machine.owner_of("home/ubuntu/.ssh/authorized_keys") == 64123


async def test_a_machine_that_was_stopped_and_started_does_not_end_with_the_job_of_before(
    bus: Bus, machine: Machine
) -> None:
    job = JobSpec(command="exit 3", on_complete=OnComplete.TERMINATE)
    async with launching(bus, job) as launcher:
        await machine.start()
        await machine.until_called("shutdown -P now")
        await boot_again(machine, "boot-2")
        launcher.assignment = msgspec.structs.replace(launcher.assignment, stays=True)
        await machine.start()
        await launcher.until("hello", 2)
        for _ in range(2):
            asked = launcher.asked
            await launcher.nudge()
            await machine.until(lambda asked=asked: launcher.asked > asked)
        assert machine.calls().count("shutdown -P now") == 1
        await boot_again(machine, "boot-3")
        launcher.assignment = msgspec.structs.replace(launcher.assignment, stays=False)
        await machine.start()
        await machine.until(lambda: machine.calls().count("shutdown -P now") == 2)
    assert [name for name, _ in launcher.said].count("job.exited") == 1


async def boot_again(machine: Machine, boot_id: str) -> None:
    await machine.stop()
    (machine.root / "proc/sys/kernel/random/boot_id").write_text(f"{boot_id}\n")
