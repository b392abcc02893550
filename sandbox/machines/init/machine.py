"""One boot of a machine, from its first line on the console to its last process."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from sandbox.machines.folder import BOOTED, ENDED, POWERED_OFF, REBOOTING, Folder, Plan
from sandbox.machines.init import root, sshd, user_data
from sandbox.machines.init.commands import Commands
from sandbox.machines.init.control import answering
from sandbox.machines.init.power import Down, Power
from sandbox.machines.init.processes import Processes
from sandbox.machines.init.signs import keep_signs
from sandbox.machines.init.systemd import Systemd
from sandbox.machines.init.world import World
from spawn.clock import Clock
from spawn.runtime.settings import environment

_CODES = {"end": ENDED, "poweroff": POWERED_OFF, "reboot": REBOOTING}
_CHUNK = 64 * 1024


async def boot(folder: Folder, plan: Plan, clock: Clock, *, lacks: str = "") -> int:
    """See the machine through one boot; return the exit code of its init.

    `lacks` is what the machine has to do without, for its console.
    """
    processes = Processes(clock)
    processes.adopt()
    world = World(folder, plan.environment, processes, clock, booted=clock.now())
    root.prepare(folder, plan.environment)
    no_ssh = sshd.prepare(folder, plan.address)
    power = Power(clock)
    world.say(f"[{plan.instance_id}] boot {plan.boot} at {world.booted:%Y-%m-%dT%H:%M:%SZ}")
    for lack in filter(None, (lacks, no_ssh)):
        world.say(lack)
    async with asyncio.TaskGroup() as group, _console(world):
        systemd = Systemd(world, group)
        tasks = [
            group.create_task(power.keep_time()),
            group.create_task(_hear(power)),
            group.create_task(_start(world, plan, systemd)),
            group.create_task(keep_signs(world)),
        ]
        async with answering(folder.path, Commands(world, systemd, power)):
            down = await power.down
            for task in tasks:
                task.cancel()
            await _end(world, systemd, down)
    world.say(f"[{plan.instance_id}] {down.will} at {clock.now():%Y-%m-%dT%H:%M:%SZ}")
    return _CODES[down.will]


async def _start(world: World, plan: Plan, systemd: Systemd) -> None:
    try:
        await systemd.start_enabled()
        await user_data.run(world, plan)
    finally:
        os.close(int(environment()[BOOTED]))


async def _end(world: World, systemd: Systemd, down: Down) -> None:
    """Stop the units, so that none starts anew, and end everything that runs."""
    async with asyncio.TaskGroup() as group:
        stops = [group.create_task(unit.stop()) for unit in systemd.running()]
        await world.processes.end_all(grace=down.grace)
        for stop in stops:
            stop.cancel()
    systemd.abandon()
    # What a unit's stop has started meanwhile.
    await world.processes.end_all(grace=timedelta(0))


async def _hear(power: Power) -> None:
    """Obey the sandbox; when its end of the pipe is gone, so is the sandbox."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    line = (await reader.readline()).decode().split()
    match line:
        case ["end", seconds]:
            power.go_down(Down("end", timedelta(seconds=float(seconds))))
        case ["reboot", seconds]:
            power.go_down(Down("reboot", timedelta(seconds=float(seconds))))
        case _:
            power.go_down(Down("end", timedelta(0)))


@asynccontextmanager
async def _console(world: World) -> AsyncGenerator[None]:
    """Append what is written to the machine's /dev/console to its console's log."""
    # Opened for writing too, so that it never ends.
    fifo = os.open(world.folder.root / "dev/console", os.O_RDWR | os.O_NONBLOCK)
    log = os.open(world.folder.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    loop = asyncio.get_running_loop()

    def copy() -> None:
        os.write(log, os.read(fifo, _CHUNK))

    loop.add_reader(fifo, copy)
    try:
        yield
    finally:
        loop.remove_reader(fifo)
        os.close(fifo)
        os.close(log)
