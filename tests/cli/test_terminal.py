"""What a person at a terminal sees: a subprocess on a pseudo-terminal."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher
from tests.fakes.cli_machines import FakeMachines

pytestmark = pytest.mark.door

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]")


class Terminal:
    """A command with a terminal for all its streams; `seen` is what it has drawn so far."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._arguments = arguments
        self._ours, self._theirs = pty.openpty()
        self.seen = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli.main", *self._arguments),
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
        )
        os.close(self._theirs)

    async def see(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.seen:
                self.seen += await asyncio.to_thread(self._read)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def end(self) -> int:
        async with asyncio.timeout(20):
            while more := await asyncio.to_thread(self._read):
                self.seen += more
        os.close(self._ours)
        return await self._process.wait()

    def _read(self) -> str:
        try:
            return os.read(self._ours, 65536).decode(errors="replace")
        except OSError:
            # Linux says so when the other end of a terminal is closed.
            return ""

    async def kill(self) -> None:
        """End what a failed test has left: whoever reads what it draws would wait for ever."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


OnTerminal = Callable[..., Awaitable[Terminal]]


@pytest.fixture
async def on_terminal() -> AsyncGenerator[OnTerminal]:
    """Start a command on a terminal of its own."""
    started: list[Terminal] = []

    async def start(*arguments: str) -> Terminal:
        terminal = Terminal(arguments)
        await terminal.start()
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        await terminal.kill()


@pytest.fixture
def terminal_settings(surroundings: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    surroundings.setenv("TERM", "xterm-256color")
    surroundings.delenv("NO_COLOR", raising=False)
    return surroundings


async def test_a_launch_is_drawn_and_ctrl_c_detaches(
    terminal_settings: object, on_terminal: OnTerminal, launcher: FakeLauncher
) -> None:
    launcher.holds = True
    terminal = await on_terminal("launch", "--name", "web", "--count", "5")
    await terminal.see("5 pending")
    terminal.interrupt()
    assert await terminal.end() == 130
    assert "accepted" in terminal.seen
    assert "detached: web-" in terminal.seen


async def test_a_followed_job_s_output_scrolls_above_what_is_drawn(
    terminal_settings: object,
    on_terminal: OnTerminal,
    launcher: FakeLauncher,
    machines: FakeMachines,
) -> None:
    terminal = await on_terminal("launch", "--name", "web", "--command", "./job", "--follow")
    await terminal.see("ready")
    array = await machines.only()
    await machines.machine(array, 0).print(b"hello \x1b[31mred\x1b[0m\n")
    await terminal.see("red")
    await machines.finish(array, {0: 0})
    assert await terminal.end() == 0
    assert "web-0 |\x1b[0m hello \x1b[31mred" in terminal.seen
    assert "web succeeded: 1 of 1 exited with 0" in terminal.seen


async def test_terminate_asks_and_does_nothing_when_told_no(
    terminal_settings: object, on_terminal: OnTerminal, spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    terminal = await on_terminal("terminate", "web")
    await terminal.see("and its 1 instance? [y/N]")
    terminal.type("n\n")
    assert await terminal.end() == 130
    assert "nothing was done" in terminal.seen
    assert launcher.terminations == []


async def test_ctrl_c_at_the_question_means_no(
    terminal_settings: object, on_terminal: OnTerminal, spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    terminal = await on_terminal("terminate", "web")
    await terminal.see("and its 1 instance? [y/N]")
    terminal.interrupt()
    assert await terminal.end() == 130
    assert "nothing was done" in terminal.seen
    assert launcher.terminations == []


async def test_terminate_draws_what_is_left(
    terminal_settings: object, on_terminal: OnTerminal, spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    terminal = await on_terminal("terminate", "web", "--yes")
    assert await terminal.end() == 0
    assert "web is terminated" in terminal.seen


async def test_tables_are_coloured_unless_no_color_is_set(
    terminal_settings: pytest.MonkeyPatch,
    on_terminal: OnTerminal,
    spawn: Spawn,
    launcher: FakeLauncher,
) -> None:
    await spawn("launch", "--name", "web")
    plain: list[bool] = []
    for value in ("", "1"):
        terminal_settings.setenv("NO_COLOR", value)
        terminal = await on_terminal("list")
        assert await terminal.end() == 0
        assert "web" in terminal.seen
        plain.append(COLOUR.search(terminal.seen) is None)
    assert plain == [False, True]


async def test_status_f_is_drawn_again_until_the_array_has_ended(
    terminal_settings: object, on_terminal: OnTerminal, spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    terminal = await on_terminal("status", "web", "-f")
    await terminal.see("ready")
    await spawn("terminate", "web")
    assert await terminal.end() == 0
    assert "terminated" in terminal.seen


async def test_a_pipe_that_nobody_reads_is_quiet(spawn: Spawn, launcher: FakeLauncher) -> None:
    await spawn("launch", "--name", "web")
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "events"),
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
