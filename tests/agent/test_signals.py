import os
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.signals import Counters, compare, cpu_ticks, disk_bytes, network_bytes, read_counters

STAT = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n"
NET = """Inter-|   Receive                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  ens5: 1000 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0
"""
DISKS = """ 259 0 nvme0n1 10 0 100 5 20 0 200 5 0 0 0
 259 1 nvme0n1p1 10 0 100 5 20 0 200 5 0 0 0
"""


def test_counters_are_read_from_the_kernels_texts() -> None:
    assert cpu_ticks(STAT) == (150, 1000)
    assert network_bytes(NET) == 1200
    assert disk_bytes(DISKS) == 300 * 512


def test_what_cant_be_read_is_unknown() -> None:
    assert (cpu_ticks(""), network_bytes(""), disk_bytes("")) == (None, None, None)


def reading(at: float, **changes: object) -> Counters:
    nothing = dict.fromkeys(
        ("cpu", "network", "disk", "gpu", "job_processes", "ssh_sessions"), None
    )
    return Counters(at=at, **{**nothing, **changes})  # pyright: ignore[reportArgumentType] - any sign


def test_signs_are_differences_over_the_window() -> None:
    before = reading(10, cpu=(10, 100), network=1000, disk=0)
    now = reading(70, cpu=(40, 200), network=7000, disk=600, job_processes=2)
    assert compare(before, now) == {
        "window_seconds": 60,
        "cpu_share": 0.3,
        "network_rate": 100,
        "disk_rate": 10,
        "job_processes": 2,
    }


def test_counters_that_went_back_say_nothing() -> None:
    before = reading(0, cpu=(10, 100), network=1000, disk=10)
    assert compare(before, reading(60, cpu=(1, 10), network=0)) == {"window_seconds": 60}


@given(busy=st.integers(0, 100), idle=st.integers(0, 100))
def test_a_share_is_between_none_and_all(busy: int, idle: int) -> None:
    signs = compare(reading(0, cpu=(0, 0)), reading(1, cpu=(busy, busy + idle)))
    assert 0 <= signs.get("cpu_share", 0) <= 1


def test_this_machine_can_be_read() -> None:
    counters = read_counters(Path("/"), 1.0, sessions=())
    assert counters.job_processes == 0
    assert counters.ssh_sessions is not None
    assert counters.cpu is not None


def test_processes_of_each_session_count() -> None:
    own = os.getsid(0)
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as other:
        try:
            alone = read_counters(Path("/"), 1.0, sessions={other.pid})
            both = read_counters(Path("/"), 1.0, sessions={other.pid, own})
        finally:
            other.kill()
    assert alone.job_processes == 1
    assert both.job_processes is not None
    assert both.job_processes > 1


def test_a_machine_whose_processes_are_not_listed_says_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/stat").write_text("1 (init) S 0 1 1 0\n")
    counters = read_counters(tmp_path, 1.0, sessions={1})
    assert (counters.job_processes, counters.ssh_sessions) == (None, None)
