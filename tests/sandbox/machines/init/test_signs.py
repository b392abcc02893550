import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from agent.accelerators import busy_share
from agent.signals import cpu_ticks, disk_bytes, network_bytes
from sandbox.machines.folder import Folder
from sandbox.machines.init.processes import Processes
from sandbox.machines.init.signs import Signs
from sandbox.machines.init.world import World
from tests.fakes.clock import NOON, VirtualClock

BURN = "import time\nwhile time.process_time() < 0.3: pass"
WRITE = "import os, sys; f = open(sys.argv[1], 'wb'); f.write(bytes(4_000_000)); os.fsync(f)"


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = VirtualClock()
    return World(Folder(tmp_path), {}, Processes(clock), clock, booted=NOON)


@pytest.fixture
def signs(world: World) -> Signs:
    return Signs(world)


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        yield process
        process.kill()


def run(*words: str) -> None:
    subprocess.run([sys.executable, "-c", *words], check=True)  # noqa: S603 - fixed words


def read(world: World, name: str) -> str:
    return (world.folder.root / "proc" / name).read_text()


def test_processor_time_counts_after_its_process_is_gone(world: World, signs: Signs) -> None:
    signs.write()
    before = cpu_ticks(read(world, "stat"))
    run(BURN)
    signs.write()
    after = cpu_ticks(read(world, "stat"))
    assert before is not None
    assert after is not None
    assert after[0] - before[0] >= 25


def test_a_machine_that_rests_uses_no_processor(world: World, signs: Signs) -> None:
    signs.write()
    before = cpu_ticks(read(world, "stat"))
    signs.write()
    assert before is not None
    assert (cpu_ticks(read(world, "stat")) or (0, 0))[0] - before[0] <= 2


def test_bytes_on_disk_count(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    signs = Signs(world)
    signs.write()
    before = disk_bytes(read(world, "diskstats"))
    run(WRITE, str(tmp_path_factory.mktemp("disk") / "file"))
    signs.write()
    after = disk_bytes(read(world, "diskstats"))
    assert before is not None
    assert after is not None
    assert after == before or after - before >= 4_000_000  # the same where it lies in memory


def test_what_passes_through_processes_only_grows(
    world: World, signs: Signs, sleeper: subprocess.Popen[bytes]
) -> None:
    signs.write()
    before = network_bytes(read(world, "net/dev"))
    sleeper.kill()
    sleeper.wait(timeout=20)
    signs.write()
    assert before is not None
    assert before > 0
    assert (network_bytes(read(world, "net/dev")) or 0) >= before


def test_only_what_runs_in_the_machine_is_listed(
    world: World, signs: Signs, sleeper: subprocess.Popen[bytes]
) -> None:
    listed = world.folder.root / "proc" / str(sleeper.pid)
    signs.write()
    assert f"{sleeper.pid} (sleep)" in (listed / "stat").read_text()
    assert not (world.folder.root / "proc/1").exists()
    sleeper.kill()
    sleeper.wait(timeout=20)
    signs.write()
    assert not listed.is_symlink()


def test_it_has_no_accelerator(world: World, signs: Signs) -> None:
    signs.write()
    assert busy_share(world.folder.root) == 0.0
