"""Keeping a process running."""

import asyncio
import dataclasses
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from spawn.clock import SystemClock
from spawn.errors import Rejected, Transient
from spawn.runtime.home import Home
from spawn.runtime.processes import is_alive, refer, wait_gone
from spawn.runtime.supervisor.board import Board
from spawn.runtime.supervisor.child import Care, Child, kept
from spawn.runtime.supervisor.folders import prepare
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.launch import Running, end, start
from spawn.runtime.supervisor.specs import Spec
from tests.spawn.runtime.supervisor.test_specs import STATE

CLOCK = SystemClock()
_WAITS = "import signal; print('on', flush=True); signal.pause()"
_POLL = timedelta(milliseconds=5)


class Bench:
    """A supervisor's surroundings, with children that are small programs."""

    def __init__(self, home: Home, footprint: Footprint) -> None:
        self.home = home
        self.left = asyncio.Event()
        own = refer(os.getpid())
        assert own is not None
        self.board = Board(home, footprint, msgspec.structs.replace(STATE, supervisor=own))
        self.care = Care(
            clock=CLOCK,
            board=self.board,
            start_within=timedelta(seconds=30),
            drain_within=timedelta(seconds=30),
            leave=self.left.set,
        )

    def spec(self, code: str) -> Spec:
        argv = (sys.executable, "-c", code)
        return Spec(name="child", argv=argv, env={}, log=self.home.log("child"))

    def child(self, code: str, *, found: Running | None = None) -> Child:
        spec = self.spec(code)
        return Child(lambda: spec, is_ready=self.says_on, care=self.care, found=found)

    async def says_on(self, _: Running) -> bool:
        return "on" in self.home.log("child").read_text()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await CLOCK.sleep(_POLL)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = Home(tmp_path / "home")
    prepare(home)
    return Bench(home, Footprint(home))


async def test_it_is_written_down_ready_and_gone_after_the_block(bench: Bench) -> None:
    async with kept([bench.child(_WAITS)]):
        seen = bench.board.state.child("child")
        assert seen is not None
        assert seen.ready
        assert is_alive(seen.process)
    assert not is_alive(seen.process)


async def test_when_it_dies_it_is_started_again_and_that_is_written_down(bench: Bench) -> None:
    async with kept([bench.child(_WAITS)]):
        first = bench.board.state.child("child")
        assert first is not None
        os.kill(first.process.pid, signal.SIGKILL)

        def again() -> bool:
            now = bench.board.state.child("child")
            return now is not None and now.process != first.process and now.ready

        await bench.until(again)
        second = bench.board.state.child("child")
        assert second is not None
        assert (second.restarts, second.last_exit) == (1, "SIGKILL")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('the disk is full')", "ended with exit 1"),
        ("import os; print('no luck', flush=True); os.abort()", "ended with SIGABRT"),
    ],
    ids=["exits", "crashes"],
)
async def test_what_never_becomes_ready_fails_with_the_end_of_its_log(
    bench: Bench, code: str, said: str
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with kept([bench.child(code)]):
            pytest.fail("it was never ready")
    (error,) = caught.value.exceptions
    assert isinstance(error, Transient)
    assert said in error.message
    assert bench.home.log("child").read_text().strip() in error.message


async def test_what_is_told_wrongly_is_refused_with_its_last_words(bench: Bench) -> None:
    code = "import sys; sys.stderr.write('{}\\nSPAWN_X=1 is bad\\n'); sys.exit(2)"
    with pytest.raises(ExceptionGroup) as caught:
        async with kept([bench.child(code)]):
            pytest.fail("it was never ready")
    (error,) = caught.value.exceptions
    assert isinstance(error, Rejected)
    assert error.message == "SPAWN_X=1 is bad"


async def test_what_can_not_be_executed_fails(bench: Bench) -> None:
    spec = msgspec.structs.replace(bench.spec(""), argv=("/nowhere",), tethered=False)
    child = Child(lambda: spec, is_ready=bench.says_on, care=bench.care)
    with pytest.raises(Transient, match="/nowhere"):
        await child.keep()


async def test_one_that_is_not_ready_in_time_is_ended(bench: Bench) -> None:
    care = dataclasses.replace(bench.care, start_within=timedelta(0))
    spec = bench.spec(_WAITS)
    child = Child(lambda: spec, is_ready=never, care=care)
    with pytest.raises(Transient, match="not ready within 0 s"):
        await child.keep()
    seen = bench.board.state.child("child")
    assert seen is not None
    assert not is_alive(seen.process)


async def test_one_that_does_not_end_when_asked_is_killed(bench: Bench) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAITS}"
    running = start(bench.spec(deaf))
    await bench.until(lambda: "on" in bench.home.log("child").read_text())
    assert await end(running, CLOCK, grace=timedelta(milliseconds=20)) == "SIGKILL"


async def test_a_log_that_has_grown_large_is_put_aside_at_a_start(bench: Bench) -> None:
    log = bench.home.log("child")
    with log.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    async with kept([bench.child(_WAITS)]):
        assert log.stat().st_size < 1024
    assert [path.name for path in bench.home.logs.iterdir() if path != log] == ["child.log.1"]


async def test_one_taken_over_is_left_running_unless_told_otherwise(bench: Bench) -> None:
    running = start(bench.spec(_WAITS))
    child = bench.child(_WAITS, found=running)
    async with kept([child]):
        pass
    assert is_alive(running.ref)
    again = bench.child(_WAITS, found=running)
    async with kept([again]):
        again.outlives_us = False
    assert not is_alive(running.ref)


async def test_without_a_state_folder_nothing_is_started_again(bench: Bench) -> None:
    async with kept([bench.child(_WAITS)]):
        seen = bench.board.state.child("child")
        assert seen is not None
        shutil.rmtree(bench.home.root)
        os.kill(seen.process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            await bench.left.wait()
    assert not bench.home.root.exists()


async def test_what_is_tethered_dies_with_its_starter(bench: Bench) -> None:
    code = (
        "import os, subprocess, sys; from spawn.runtime.supervisor.launch import tethered;"
        f"child = subprocess.Popen(tethered((sys.executable, '-c', {_WAITS!r})));"
        "print(child.pid, flush=True); child.wait()"
    )
    middle = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert middle.stdout is not None
    below = refer(int(await middle.stdout.readline()))
    assert below is not None
    assert await middle.stdout.readline() == b"on\n"
    assert is_alive(below)
    middle.kill()
    async with asyncio.timeout(30):
        await wait_gone(below, CLOCK)
    await middle.communicate()


async def never(_: Running) -> bool:
    return False
