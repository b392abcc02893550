"""One service: started, watched, started again, stopped."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from sandbox.machines.init.processes import Process, send
from sandbox.machines.init.service_files import Command, ServiceFile
from sandbox.machines.init.unit_files import environment_file
from sandbox.machines.init.world import World
from spawn.clock import wait_event

_NOT_EXECUTED = 203
"""EXIT_EXEC (https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html)."""
_GENTLE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
_CLEAN = frozenset({0, *(-number for number in _GENTLE)})
_KILLS_ALL = frozenset({"control-group", "mixed"})


class Service:
    """The life of a service, from one start to the next."""

    def __init__(self, name: str, file: ServiceFile, world: World) -> None:
        self.name = name
        self.file = file
        self._world = world
        self.state = "inactive"
        self.sub_state = "dead"
        self.result = "success"
        self.restarts = 0
        self.status = 0
        self.invocation = ""
        self.main: Process | None = None
        self.over = asyncio.Event()
        self.over.set()
        self._unwanted = False
        self._stopping = asyncio.Event()
        self._started: asyncio.Future[bool] | None = None
        self._starts: deque[float] = deque()

    @property
    def is_active(self) -> bool:
        """Whether it runs, or counts as if it did."""
        return self.state == "active"

    def begin(self) -> asyncio.Future[bool]:
        """Get ready for `live`; the future tells when it has started, and whether well."""
        if self._started is None or self.over.is_set():
            self._started = asyncio.get_running_loop().create_future()
            self._stopping.clear()
            self._unwanted = False
            self.over.clear()
            self.state, self.sub_state, self.result = "activating", "start", "success"
            self.restarts = 0
        return self._started

    async def live(self) -> None:
        """Run it until it has ended and is not to be started again."""
        try:
            while await self._once() and not await wait_event(
                self._stopping, self.file.restart_delay
            ):
                self.restarts += 1
        finally:
            self._tell(well=self.result == "success")
            self.main = None
            if self.result == "success":
                self.state, self.sub_state = "inactive", "dead"
            else:
                self.state, self.sub_state = "failed", "failed"
            self.over.set()

    async def stop(self) -> None:
        """End it and return when it has ended."""
        if self.over.is_set():
            return
        self._unwanted = True
        runs = self.is_active
        self.state, self.sub_state = "deactivating", "stop-sigterm"
        if runs:
            await self._run_all(self.file.on_stop)
        self._stopping.set()
        self._signal(self.file.kill_signal, self._to_signal())
        if not await wait_event(self.over, self.file.stop_within):
            self._signal(signal.SIGKILL, self._to_kill())
            await self.over.wait()

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, as `systemctl kill` does."""
        self._signal(number, self._members())

    async def _once(self) -> bool:
        """See it through one life; return whether another follows."""
        if not self._within_limit():
            self.result = "start-limit-hit"
            return False
        self.invocation = uuid4().hex
        self.state, self.sub_state, self.result = "activating", "start", "success"
        try:
            code = await self._run()
        except OSError as error:
            self._world.say(f"{self.name}: {error}")
            code = _NOT_EXECUTED
        self.status = code
        self._judge(code)
        self._sweep()
        await self._run_all(self.file.after_stop)
        again = not self._unwanted and _restarts(self.file.restart, self.result)
        if again:
            self.state, self.sub_state = "activating", "auto-restart"
            self._world.say(f"{self.name}: ended with {code}, restarting")
        return again

    async def _run(self) -> int:
        code = await self._run_all(self.file.before)
        if code != 0:
            return code
        if self.file.until_exit:
            return await self._run_until_exit()
        return await self._run_main()

    async def _run_until_exit(self) -> int:
        code = await self._run_all(self.file.main)
        if code == 0:
            code = await self._run_all(self.file.after)
        if code == 0 and self.file.remains:
            self.state, self.sub_state = "active", "exited"
            self._tell(well=True)
            await self._stopping.wait()
        return code

    async def _run_main(self) -> int:
        self.main = self._start(self.file.main[0])
        self.state, self.sub_state = "active", "running"
        await self._run_all(self.file.after)
        self._tell(well=True)
        code = await self._until_main_ends(self.main)
        if code == 0 and self.file.remains and not self._unwanted:
            self.sub_state = "exited"
            await self._stopping.wait()
        return code

    async def _until_main_ends(self, main: Process) -> int:
        limit = self.file.run_within
        if limit is None:
            return await main.ended
        done, _ = await asyncio.wait({main.ended}, timeout=limit.total_seconds())
        if not done:
            self._signal(self.file.kill_signal, self._to_signal())
        return await main.ended

    async def _run_all(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other; return the status of the first that fails."""
        for command in commands:
            code = await self._start(command).ended
            if code != 0 and not command.may_fail:
                return code
        return 0

    def _start(self, command: Command) -> Process:
        env = self._environment()
        argv = command.argv(env)
        output = self._world.open_output(self.file.output, self.name)
        try:
            return self._world.processes.start(argv, env=env, cwd=self._directory(), output=output)
        finally:
            os.close(output)

    def _directory(self) -> Path:
        if self.file.directory in {"", "~"}:
            return self._world.folder.home if self.file.directory else self._world.folder.root
        return Path(self.file.directory)

    def _environment(self) -> dict[str, str]:
        env = {**self._world.environment, **self.file.environment}
        for path in self.file.environment_files:
            env.update(environment_file(path))
        if self.main is not None:
            env["MAINPID"] = str(self.main.pid)
        env["INVOCATION_ID"] = self.invocation
        return env

    def _within_limit(self) -> bool:
        interval = self.file.limit_interval.total_seconds()
        if interval <= 0 or self.file.limit_burst <= 0:
            return True
        now = self._world.clock.monotonic()
        while self._starts and self._starts[0] <= now - interval:
            self._starts.popleft()
        if len(self._starts) >= self.file.limit_burst:
            return False
        self._starts.append(now)
        return True

    def _judge(self, code: int) -> None:
        if self._unwanted or code in _CLEAN:
            self.result = "success"
        else:
            self.result = "signal" if code < 0 else "exit-code"

    def _sweep(self) -> None:
        """End what the main process left behind, unless the unit wants it to live on."""
        self.main = None
        if self.file.kill_mode in _KILLS_ALL and not self.file.remains:
            self._signal(signal.SIGTERM, self._members())

    def _to_signal(self) -> set[int]:
        return self._members() if self.file.kill_mode == "control-group" else self._main()

    def _to_kill(self) -> set[int]:
        return self._members() if self.file.kill_mode in _KILLS_ALL else self._main()

    def _main(self) -> set[int]:
        return set[int]() if self.main is None else {self.main.pid}

    def _members(self) -> set[int]:
        if not self.invocation:
            return set()
        return self._world.processes.marked("INVOCATION_ID", self.invocation)

    def _signal(self, number: signal.Signals, pids: set[int]) -> None:
        if self.file.kill_mode != "none":
            send(pids, number)

    def _tell(self, *, well: bool) -> None:
        if self._started is not None and not self._started.done():
            self._started.set_result(well)


def _restarts(policy: str, result: str) -> bool:
    match policy:
        case "always":
            return result != "start-limit-hit"
        case "on-success":
            return result == "success"
        case "on-failure" | "on-abnormal" | "on-abort" | "on-watchdog":
            return result == "signal" or (result == "exit-code" and policy == "on-failure")
        case _:
            return False
