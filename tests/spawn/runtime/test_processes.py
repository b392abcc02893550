"""Other processes, known by pid and start."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from spawn.clock import SystemClock
from spawn.runtime.processes import (
    ProcessRef,
    end,
    is_alive,
    refer,
    send,
    wait_all_gone,
    wait_gone,
)

SECOND = timedelta(seconds=1)
SOON = timedelta(milliseconds=50)
LONG = timedelta(seconds=30)
_WAITS = "import signal, sys; print('on', flush=True); signal.pause()"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAITS}"


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    code = getattr(request, "param", _WAITS)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as popen:
        assert popen.stdout is not None
        popen.stdout.readline()
        yield popen
        popen.kill()


def ref_of(popen: subprocess.Popen[bytes]) -> ProcessRef:
    ref = refer(popen.pid)
    assert ref is not None
    return ref


def test_a_process_lives_until_it_ends_reaped_or_not(started: subprocess.Popen[bytes]) -> None:
    ref = ref_of(started)
    assert is_alive(ref)
    started.kill()
    assert wait_all_gone([ref], timeout=LONG)
    assert not is_alive(ref)
    assert ref_of(started) == ref, "not reaped, it still has its entry"
    started.wait()
    assert refer(started.pid) is None


def test_another_process_of_the_same_pid_is_never_touched(
    started: subprocess.Popen[bytes],
) -> None:
    earlier = ProcessRef(pid=started.pid, started="before")
    assert not is_alive(earlier)
    send(earlier, signal.SIGKILL)
    assert end([earlier], grace=LONG) == ()
    assert is_alive(ref_of(started))


@pytest.mark.parametrize("started", [_STUBBORN], indirect=True, ids=["deaf to SIGTERM"])
def test_who_does_not_end_when_asked_is_killed(started: subprocess.Popen[bytes]) -> None:
    ref = ref_of(started)
    assert end([ref], grace=SOON) == (ref,)
    assert started.wait() == -signal.SIGKILL


def test_who_ends_when_asked_is_not_killed(started: subprocess.Popen[bytes]) -> None:
    end([ref_of(started)], grace=LONG)
    assert started.wait() == -signal.SIGTERM


async def test_waiting_ends_with_the_process(started: subprocess.Popen[bytes]) -> None:
    ref = ref_of(started)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(wait_gone(ref, SystemClock()))
        await asyncio.to_thread(wait_all_gone, [ref], timeout=SOON)
        assert not waiting.done()
        started.kill()


async def test_there_is_nothing_to_wait_for_after_the_end() -> None:
    async with asyncio.timeout(30):
        await wait_gone(ProcessRef(pid=os.getpid(), started="before"), SystemClock())
