"""Machines and their jobs: how soon all know all, who they are, and what they print."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from spawn.bus.beside import beside
from tests.bench.ours import Launcher
from tests.bench.output import output
from tests.bench.plane import Control
from tests.bench.proofs import prove_machines
from tests.bench.results import Jobs, Rendezvous, Storm
from tests.bench.storms import SCRIPT, storm
from tests.fixtures.jobs import set_machines

ROOT = Path(__file__).parents[2]


async def jobs(ours: Launcher, folder: Path, *, members: int, machines: int, lines: int) -> Jobs:
    """Measure all of it, on a control plane whose launcher knows the agent."""
    proofs = await prove_machines(folder / "proofs", machines)
    plane = ours.control
    await set_machines(plane.plane, "real")
    printed = await output(plane, folder / "ceiling", lines=lines)
    await set_machines(plane.plane, "hollow")
    met = await _meet(plane, ours, members=members)
    return Jobs(rendezvous=met, proofs=proofs, output=printed)


async def weather(ours: Launcher, folder: Path, *, members: int, lost: int) -> Storm:
    """Take part of a spot array of hollow machines back."""
    await set_machines(ours.control.plane, "hollow")
    script = await asyncio.to_thread(_write_script, folder)
    async with hollow(ours.control, "--script", script) as said, beside(drain(said)):
        return await storm(ours.control, members=members, lost=lost)


def _write_script(folder: Path) -> Path:
    script = folder.with_suffix(".json")
    script.write_text(json.dumps(SCRIPT))
    return script


async def drain(said: asyncio.StreamReader) -> None:
    """Read what hollow machines tell: nobody waits for it, and a full pipe would stop them."""
    async for _ in said:
        pass
    raise AssertionError("the hollow machines have ended")


async def _meet(plane: Control, ours: Launcher, *, members: int) -> Rendezvous:
    async with hollow(plane) as said:
        array = await ours.send(plane.cloud.next_region(), members)
        async for line in said:
            heard = json.loads(line)
            if (heard["event"], heard.get("array")) == ("peers complete", array):
                break
        else:
            raise AssertionError("the hollow machines have ended")
        await ours.end(array)
    assert heard["members"] == members
    return Rendezvous(
        members=members,
        after_start=heard["seconds_after_last_start"],
        after_hello=heard["seconds_after_last_hello"],
    )


@asynccontextmanager
async def hollow(plane: Control, *words: str | Path) -> AsyncGenerator[asyncio.StreamReader]:
    """Play hollow machines for the length of the block; yield what they tell."""
    env = {
        "SPAWN_NATS_URL": plane.state.bus_url,
        "SPAWN_NATS_CREDS": str(plane.plane.home.creds("services")),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.hollow", "--state", plane.plane.home.sandbox, *words),
        cwd=ROOT,
        env=plane.plane.environment(env),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        yield process.stderr
    finally:
        process.terminate()
        await process.communicate()
