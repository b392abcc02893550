"""`python -m sandbox.hollow --state DIR [--script FILE]`, on the bus of SPAWN_NATS_*."""

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

import msgspec
import uvloop
from aiohttp import ClientSession

from sandbox.hollow.agent import Stage
from sandbox.hollow.cloud import Cloud, Sandbox
from sandbox.hollow.company import Company
from sandbox.hollow.script import Script, read_script
from spawn.bus.connection import connect
from spawn.bus.settings import BusSettings
from spawn.clock import SystemClock
from spawn.errors import Outcome
from spawn.runtime.settings import load
from spawn.telemetry import log

_USAGE = 2
_SIDE_BY_SIDE = 256


def main() -> int:
    """Play hollow machines until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.hollow")
    parser.add_argument("--state", type=Path, required=True, help="folder of sandbox.json")
    parser.add_argument("--script", type=Path, help="YAML or JSON file of what machines do")
    given = parser.parse_args()
    log.configure("hollow")
    try:
        script = read_script(given.script) if given.script else Script()
        sandbox = msgspec.json.decode((given.state / "sandbox.json").read_bytes(), type=Sandbox)
        settings = load(BusSettings)
    except (OSError, msgspec.DecodeError, Outcome) as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE
    uvloop.run(play(sandbox, settings, script))
    return 0


async def play(sandbox: Sandbox, settings: BusSettings, script: Script) -> None:
    """Play until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    clock = SystemClock()
    async with (
        connect(settings, name="hollow", patient=True, clock=clock) as bus,
        ClientSession() as session,
    ):
        cloud = Cloud(session, sandbox, clock)
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        randomness = random.Random()  # noqa: S311  spreads times, hides nothing
        stage = Stage(bus, clock, script, randomness, turns, cloud.power_off)
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(_play(stage, cloud))
            await ended.wait()
            playing.cancel()


async def _play(stage: Stage, cloud: Cloud) -> None:
    async with asyncio.TaskGroup() as group:
        log.get_logger(__name__).info("playing")
        await Company(stage, group).follow(cloud.running())


if __name__ == "__main__":
    sys.exit(main())
