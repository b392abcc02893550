"""User-data, run as cloud-init does: once per instance, as root, with its output on the console.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
"""

import gzip
import os
from pathlib import Path

from sandbox.machines.folder import Plan
from sandbox.machines.init.world import World

_GZIP = b"\x1f\x8b"


async def run(world: World, plan: Plan) -> None:
    """Run the instance's user-data unless it was run already."""
    instance = world.folder.root / "var/lib/cloud/instances" / plan.instance_id
    done = instance / "sem/config_scripts_user"
    if done.exists():
        return
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()
    if plan.fails:
        world.say("cloud-init: user-data was told to fail by the sandbox")
        return
    text = gzip.decompress(plan.user_data) if plan.user_data.startswith(_GZIP) else plan.user_data
    if not text.strip():
        return
    if not text.startswith(b"#!"):
        first = text.splitlines()[0][:40].decode(errors="replace")
        world.say(f"cloud-init: user-data that begins with {first!r} is not run here")
        return
    script = instance / "scripts/part-001"
    script.parent.mkdir(exist_ok=True)
    _write(script, text)
    code = await _execute(world, script)
    world.say(f"cloud-init: user-data ended with {code}")


def _write(path: Path, text: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


async def _execute(world: World, script: Path) -> int:
    output = world.open_output("console", "cloud-final.service")
    try:
        process = world.processes.start(
            [str(script)], env=world.environment, cwd=world.folder.root, output=output
        )
    except OSError as error:
        world.say(f"cloud-init: user-data can't be executed: {error}")
        return 1
    finally:
        os.close(output)
    return await process.ended
