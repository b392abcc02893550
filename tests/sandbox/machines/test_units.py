"""Units as systemd runs them, in one machine."""

import os
import signal
from collections.abc import Generator

import pytest

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import image, until
from tests.sandbox.machines.machines import Machine, Machines, eventually

pytestmark = pytest.mark.e2e

AGENT = """
[Service]
EnvironmentFile=@ROOT@/etc/agent.env
ExecStart=/usr/bin/env bash -c 'echo start $$GREETING >> @ROOT@/agent.log; setsid sleep 3611 & exec sleep 3612'
Restart=always
RestartSec=50ms
KillMode=process
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
"""  # noqa: E501  a unit's line is one


@pytest.fixture(scope="module")
def machine(real: RunningSandbox) -> Generator[Machine]:
    machines = Machines(real, image(real))
    (made,) = machines.launch("#!/bin/bash\ntrue")
    yield made
    machines.end()


def show(machine: Machine, unit: str, name: str) -> str:
    return machine.run("systemctl", "show", "-p", name, "--value", unit)


def test_a_killed_service_starts_again_and_its_job_lives_on(machine: Machine) -> None:
    (machine.root / "etc/agent.env").write_text('GREETING="it\'s $(me)"\n')
    machine.write_unit("agent.service", AGENT)
    machine.shell(
        "systemctl daemon-reload && systemctl enable --now agent && systemctl is-active agent"
    )
    first = int(show(machine, "agent", "MainPID"))
    eventually(lambda: machine.wrote("agent.log"))
    job = next(one for one in machine.processes() if one.cmdline() == ["sleep", "3611"])
    os.kill(first, signal.SIGKILL)
    eventually(lambda: machine.wrote("agent.log").count("start") == 2)
    eventually(lambda: show(machine, "agent", "NRestarts") == "1")
    assert int(show(machine, "agent", "MainPID")) not in {0, first}
    assert job.is_running()
    assert machine.wrote("agent.log").splitlines()[0] == "start it's $(me)"
    machine.run("systemctl", "stop", "agent")
    assert show(machine, "agent", "ActiveState") == "inactive"
    assert job.is_running()


def test_an_enabled_service_starts_at_boot(real: RunningSandbox) -> None:
    machines = Machines(real, image(real))
    (machine,) = machines.launch("#!/bin/bash\ntrue")
    machine.write_unit(
        "atboot.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo up >> @ROOT@/ups'\n"
        "[Install]\nWantedBy=multi-user.target\n",
    )
    machine.run("systemctl", "enable", "atboot.service")
    assert machine.run("systemctl", "is-enabled", "atboot") == "enabled"
    machines.ec2.reboot_instances(InstanceIds=[machine.id])
    eventually(lambda: machine.wrote("ups") == "up\n")
    machines.end()


def test_stopping_a_service_ends_all_its_processes(machine: Machine) -> None:
    machine.write_unit(
        "group.service",
        "[Service]\nExecStart=/bin/bash -c 'setsid sleep 3613 & exec sleep 3614'\n",
    )
    machine.run("systemctl", "start", "group")
    eventually(lambda: len(named(machine, "3613", "3614")) == 2)
    machine.run("systemctl", "stop", "group")
    eventually(lambda: not named(machine, "3613", "3614"))


def test_a_oneshot_that_fails_is_told(machine: Machine) -> None:
    machine.write_unit("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    assert machine.shell("systemctl start bad 2>&1; echo $?").endswith("\n1")
    assert machine.run("systemctl", "is-active", "bad", check=False) == "failed"
    assert show(machine, "bad", "Result") == "exit-code"


def test_a_service_that_fails_at_once_is_given_up(machine: Machine) -> None:
    machine.write_unit(
        "hasty.service",
        "[Service]\nExecStart=/bin/sh -c 'echo x >> @ROOT@/hasty; exit 1'\n"
        "Restart=on-failure\nRestartSec=0\n",
    )
    machine.run("systemctl", "start", "hasty")
    eventually(lambda: show(machine, "hasty", "Result") == "start-limit-hit")
    assert machine.wrote("hasty") == "x\n" * 5


def test_unknown_units_and_verbs_are_refused(machine: Machine) -> None:
    assert machine.shell("systemctl start nothing 2>&1; echo $?").endswith("not found.\n5")
    assert machine.shell("systemctl frobnicate x 2>&1; echo $?").endswith("\n1")
    assert machine.shell("systemctl is-active -q nothing; echo $?") == "3"


def test_a_program_that_is_missing_fails_its_service(machine: Machine) -> None:
    machine.write_unit("lacks.service", "[Service]\nExecStart=/nowhere/program\n")
    machine.run("systemctl", "start", "lacks", check=False)
    eventually(lambda: show(machine, "lacks", "ExecMainStatus") == "203")


class TestTimers:
    def test_a_timer_after_activation(self, machine: Machine) -> None:
        machine.write_unit("soon.timer", "[Timer]\nOnActiveSec=200ms\nAccuracySec=1s\n")
        machine.write_unit(
            "soon.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'touch @ROOT@/soon'\n"
        )
        machine.run("systemctl", "start", "soon.timer")
        eventually((machine.root / "soon").exists)
        assert machine.run("systemctl", "is-active", "soon.timer") == "active"

    def test_a_timer_at_an_instant(self, machine: Machine) -> None:
        machine.write_unit("at.timer", "[Timer]\nOnCalendar=@AT@\n")
        machine.write_unit(
            "at.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'date -u +%%s >> @ROOT@/at'\n",
        )
        due = int(machine.shell("echo $(($(date +%s) + 2))"))
        machine.shell(
            f'sed -i "s/@AT@/$(date -u -d @{due} "+%F %T UTC")/" '
            "$SPAWN_ROOT/etc/systemd/system/at.timer && systemctl daemon-reload && "
            "systemctl restart at.timer"
        )
        eventually(lambda: machine.wrote("at"))
        assert int(machine.wrote("at")) >= due
        assert show(machine, "at.timer", "NextElapseUSecRealtime") == ""

    def test_a_stopped_timer_does_not_elapse(self, machine: Machine) -> None:
        machine.write_unit("never.timer", "[Timer]\nOnActiveSec=1h\n")
        machine.write_unit("never.service", "[Service]\nExecStart=/bin/true\n")
        machine.shell("systemctl start never.timer && systemctl stop never.timer")
        assert machine.run("systemctl", "is-active", "never.timer", check=False) == "inactive"

    def test_a_transient_timer(self, machine: Machine) -> None:
        said = machine.shell(
            'systemd-run --unit=later --on-active=100ms /bin/sh -c \'echo "$1" > "$0"\' '
            '"$SPAWN_ROOT/later" \'a "b" $c\' 2>&1'
        )
        assert "later.timer" in said
        eventually(lambda: machine.wrote("later") == 'a "b" $c\n')


def test_a_transient_service_that_is_waited_for(machine: Machine) -> None:
    script = "systemd-run --wait -p Environment=A=1 /bin/sh -c 'exit $((A + 6))'; echo $?"
    assert machine.shell(script).endswith("7")


def test_a_scope_runs_in_its_callers_place(machine: Machine) -> None:
    assert machine.shell("systemd-run --scope echo here") == "here"


def test_shutdown_later_can_be_taken_back(machine: Machine) -> None:
    assert "Shutdown scheduled for" in machine.shell("shutdown -P +1 2>&1")
    machine.run("shutdown", "-c")
    assert machine.state == "running"
    assert machine.shell("shutdown --frobnicate 2>&1; echo $?").endswith("\n1")


def test_the_shims_stand_first_in_a_login_shell(machine: Machine) -> None:
    for name in ("systemctl", "systemd-run", "shutdown", "poweroff", "reboot", "halt"):
        assert machine.run("bash", "-lc", f"command -v {name}") == str(
            machine.folder / "bin" / name
        )


def test_sudo_stays_in_the_machine(machine: Machine) -> None:
    script = "sudo -n -u root A=1 bash -c 'echo $A; command -v shutdown'"
    assert machine.shell(script).split() == ["1", str(machine.folder / "bin/shutdown")]


def test_a_warning_to_all_is_on_the_console(machine: Machine) -> None:
    machine.shell("echo from a pipe | wall && wall as arguments")
    machine.says("from a pipe")
    machine.says("as arguments")


def test_a_timer_that_powers_off_ends_the_instance(real: RunningSandbox) -> None:
    machines = Machines(real, image(real))
    script = "#!/bin/bash\nsystemd-run --on-active=200ms shutdown -P now\n"
    (machine,) = machines.begin(script, InstanceInitiatedShutdownBehavior="terminate")
    until(machines.ec2, "terminated", [machine.id])


def named(machine: Machine, *seconds: str) -> list[str]:
    return [one[1] for one in machine.commands() if one[:1] == ["sleep"] and one[1] in seconds]
