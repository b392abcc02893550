"""The boot script and the dead-man switch, under shims."""

import hashlib
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from scripts.build_agent import ROOT, build, compose_user_data
from services.launcher.plan.boot import LARGEST_USER_DATA, render_user_data
from spawn.clock import SystemClock
from spawn.contracts.arrays import Boot
from spawn.contracts.leases import format_instant
from tests.agent.machine import lay_out
from tests.builders import a_chunk, an_array

pytestmark = pytest.mark.door

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
FOLDER = ROOT / "agent/boot"


class Root:
    """A machine's root folder, and programs run in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        lay_out(folder)
        self.deadman = folder / "usr/local/lib/spawn/deadman"

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{self.path}/shims:/usr/bin:/bin", "SPAWN_ROOT": str(self.path)}
        return subprocess.run(
            argv, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    def arm(self, after: timedelta) -> str:
        """Arm the switch for an instant from now, and return it as it was given."""
        lease = format_instant(SystemClock().now() + after)
        done = self.run(str(self.deadman), "arm", lease, "terminate", "4200")
        assert done.returncode == 0, done.stderr
        return lease

    def check(self) -> None:
        done = self.run(str(self.deadman), "check")
        assert done.returncode == 0, done.stderr

    @property
    def calls(self) -> list[str]:
        called = self.path / "called"
        return called.read_text().splitlines() if called.exists() else []

    def text(self, name: str) -> str:
        return (self.path / name).read_text()

    def boot_again(self, *, ago: timedelta) -> None:
        """Let the machine be booted for a second time, some time ago."""
        (self.path / "proc/sys/kernel/random/boot_id").write_text("boot-2\n")
        self.check()
        up = int(float(Path("/proc/uptime").read_text().split()[0]) - ago.total_seconds())
        (self.path / "run/spawn/boot").write_text(f"boot-2 {up}\n")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root")


LONG_AGO = timedelta(minutes=-10)
OFF = "shutdown -P now"


def test_a_machine_lives_until_15_s_after_its_lease(root: Root) -> None:
    root.arm(timedelta(seconds=-5))
    root.check()
    assert OFF not in root.calls


def test_a_machine_ends_15_s_after_its_lease(root: Root) -> None:
    root.arm(timedelta(seconds=-16))
    root.check()
    assert OFF in root.calls


def test_a_machine_that_is_back_for_two_minutes_ends_when_its_lease_is_over(root: Root) -> None:
    root.arm(timedelta(hours=1))
    root.boot_again(ago=timedelta(seconds=121))
    root.arm(LONG_AGO)
    root.check()
    assert OFF in root.calls


def test_a_machine_that_is_just_back_waits_to_hear_of_a_longer_lease(root: Root) -> None:
    root.arm(timedelta(hours=1))
    root.boot_again(ago=timedelta(seconds=119))
    root.arm(LONG_AGO)
    # It waits for the last second, and looks at the lease again.
    waiting = (root.path / "shims/sleep").with_name("sleep")
    later = format_instant(SystemClock().now() + timedelta(hours=2))
    waiting.write_text(f'#!/bin/sh\necho "{later} terminate" >"$SPAWN_ROOT/etc/spawn/lease"\n')
    waiting.chmod(0o755)
    root.check()
    assert OFF not in root.calls


def test_the_timers_are_set_for_the_lease_and_for_the_longest_time(root: Root) -> None:
    done = root.run(str(root.deadman), "arm", "2036-02-29T23:59:50Z", "stop", "4200")
    assert done.returncode == 0, done.stderr
    timer = root.text("etc/systemd/system/spawn-deadman.timer")
    assert "OnCalendar=2036-03-01 00:00:05 UTC\n" in timer
    assert "OnActiveSec=4200\n" in root.text("etc/systemd/system/spawn-deadman-cap.timer")
    service = root.text("etc/systemd/system/spawn-deadman.service")
    assert f"ExecStart={root.deadman} check\n" in service
    assert root.text("etc/spawn/lease") == "2036-02-29T23:59:50Z stop\n"
    assert root.calls == [
        "systemctl daemon-reload",
        "systemctl enable spawn-deadman.timer spawn-deadman-cap.timer",
        "systemctl restart spawn-deadman.timer spawn-deadman-cap.timer",
    ]
    assert root.text("etc/spawn/armed") == root.text("etc/spawn/lease")


def test_a_switch_whose_timers_fail_is_not_armed(root: Root) -> None:
    (root.path / "shims/systemctl").write_text("#!/bin/sh\nexit 1\n")
    done = root.run(str(root.deadman), "arm", "2036-01-01T00:00:00Z", "stop", "60")
    assert done.returncode != 0
    assert not (root.path / "etc/spawn/armed").exists()


def test_the_longest_time_ends_a_machine_whatever_its_lease(root: Root) -> None:
    root.arm(timedelta(hours=1))
    root.run(str(root.deadman), "cap")
    assert OFF in root.calls


def test_after_a_sleep_the_time_to_hear_begins_anew(root: Root) -> None:
    root.arm(timedelta(hours=1))
    root.boot_again(ago=timedelta(hours=1))
    before = root.text("run/spawn/boot")
    root.run(str(root.deadman), "post", "hibernate")
    assert root.text("run/spawn/boot") != before
    assert root.calls[-1] == "systemctl restart spawn-deadman.timer"


@pytest.mark.parametrize("hooks", [["pre"], ["pre", "post"]], ids=["timer first", "hook first"])
def test_a_machine_that_slept_in_its_first_boot_waits_to_hear_of_a_longer_lease(
    root: Root, hooks: list[str]
) -> None:
    root.arm(timedelta(hours=1))
    over = format_instant(SystemClock().now() + LONG_AGO)
    (root.path / "etc/spawn/lease").write_text(f"{over} hibernate\n")
    later = format_instant(SystemClock().now() + timedelta(hours=2))
    waiting = root.path / "shims/sleep"
    waiting.write_text(f'#!/bin/sh\necho "{later} hibernate" >"$SPAWN_ROOT/etc/spawn/lease"\n')
    waiting.chmod(0o755)
    for hook in hooks:
        root.run(str(root.deadman), hook, "hibernate")
    root.check()
    assert OFF not in root.calls


def rendered(pyz: Path) -> str:
    boot = Boot(
        agent_url=f"file://{pyz}",
        agent_sha256=hashlib.sha256(pyz.read_bytes()).hexdigest(),
        bus_url="tls://bus.example.org:4222",
        bus_fingerprint="ab" * 32,
    )
    return render_user_data(compose_user_data(FOLDER), an_array(), a_chunk(), boot)


def booted(root: Root, text: str) -> subprocess.CompletedProcess[str]:
    script = root.path / "user-data"
    script.write_text(text)
    script.chmod(0o755)
    return root.run(str(script))


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built") / "agent.pyz")


def test_user_data_leaves_room_for_what_is_filled_in(pyz: Path) -> None:
    longest_url = 2_000
    assert len(rendered(pyz).encode()) + longest_url < LARGEST_USER_DATA


@pytest.mark.parametrize("name", ["deadman", "user-data"])
def test_the_shell_finds_no_fault(name: str, pyz: Path, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(rendered(pyz) if name == "user-data" else (FOLDER / name).read_text())
    for command in (["bash", "-n"], [str(SHELLCHECK)]):
        done = subprocess.run([*command, str(script)], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_booting_arms_the_switch_first_and_then_starts_the_agent(root: Root, pyz: Path) -> None:
    root.deadman.unlink()
    done = booted(root, rendered(pyz))
    assert done.returncode == 0, done.stderr
    assert root.calls.index("systemctl enable spawn-deadman.timer spawn-deadman-cap.timer") == 1
    assert root.calls[-1] == "systemctl start spawn-agent.service"
    assert (root.path / "usr/local/lib/spawn/agent.pyz").read_bytes() == pyz.read_bytes()
    environment = dict(
        line.split("=", 1) for line in root.text("etc/spawn/agent.env").splitlines()
    )
    assert environment["SPAWN_ARRAY_ID"] == an_array().id
    assert environment["SPAWN_BUS_FINGERPRINT"] == "ab" * 32
    unit = root.text("etc/systemd/system/spawn-agent.service")
    assert f"EnvironmentFile={root.path}/etc/spawn/agent.env\n" in unit
    assert "KillMode=process\n" in unit
    assert "Restart=always\n" in unit


def test_another_agent_than_the_one_pinned_is_not_started(root: Root, pyz: Path) -> None:
    (root.path / "shims/sleep").write_text("#!/bin/sh\n")
    (root.path / "shims/sleep").chmod(0o755)
    other = shutil.copy(pyz, root.path / "other.pyz")
    text = rendered(pyz).replace(f"file://{pyz}", f"file://{other}")
    Path(other).write_bytes(b"something else")
    done = booted(root, text)
    assert done.returncode == 1
    assert done.stderr.endswith("spawn boot: FAILED: fetching the agent\n")
    assert "systemctl start spawn-agent.service" not in root.calls
    assert root.text("etc/spawn/armed")
