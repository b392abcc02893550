"""The command line, run as people run it: a process with arguments, an exit code and words."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spawn.runtime.settings import environment
from tests.faults.plant import Plant

SPAWN = Path(sys.executable).parent / "spawn"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    errors: str


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's own planes or accounts is seen."""
    own = {k: v for k, v in environment().items() if not k.startswith(("AWS_", "SPAWN_"))}
    return {**own, "SPAWN_HOME": str(home), "COLUMNS": "200", **more}


async def run(env: Mapping[str, str], *arguments: str) -> Done:
    """Run `spawn` in an environment."""
    process = await asyncio.create_subprocess_exec(
        SPAWN,
        *arguments,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return Done(process.returncode or 0, output.decode(), errors.decode())


async def spawn(plant: Plant, *arguments: str) -> Done:
    """Run `spawn` against a plant's bus."""
    env = surroundings(
        plant.folder / "home",
        SPAWN_NATS_URL=plant.server.url,
        SPAWN_DEPLOYMENT=plant.deployment,
        AWS_REGION=plant.cloud.region,
    )
    named = ("--instance-type", "t3.micro") if arguments[0] == "launch" else ()
    return await run(env, *arguments, *named)
