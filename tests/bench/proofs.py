"""Machines that all boot at once, each proving who it is."""

import asyncio
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from nats.errors import Error

from agent.client import MachineClient
from agent.link import FIRST_WAIT, backoff
from agent.metadata import Credentials
from spawn.contracts.identities import inbox_of
from spawn.contracts.ids import InstanceId
from spawn.runtime.home import Home
from spawn.runtime.supervisor.readiness import read_run_file
from tests.bench.results import Proofs
from tests.fixtures.doors import BROKER, CLOCK, QUICK, Doors, opened_doors
from tests.fixtures.proving import assume, proof
from tests.fixtures.sandbox import running_sandbox

_VERIFIED = "spawn_iam_broker_verifications_total{"


async def prove_machines(folder: Path, machines: int) -> Proofs:
    """Let so many machines connect as agents do, and count."""
    with running_sandbox(folder / "cloud", QUICK) as cloud:
        (folder / "home").mkdir()
        async with opened_doors(folder / "home", cloud, _in_a_process) as doors:
            members = [await doors.add(number) for number in range(machines)]
            ids = [member.instance.id for member in members]
            arn = await asyncio.to_thread(_role_arn, doors)
            keys = [await asyncio.to_thread(assume, cloud, arn, each) for each in ids]
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for instance_id, credentials in zip(ids, keys, strict=True):
                    group.create_task(_come_in(doors, instance_id, credentials))
            seconds = time.perf_counter() - begun
            asked = await asyncio.to_thread(_verifications, doors.home)
            return Proofs(machines=machines, seconds=seconds, verifications=asked / machines)


async def _come_in(doors: Doors, instance_id: InstanceId, credentials: Credentials) -> None:
    failures, wait = 0, random.uniform(0, FIRST_WAIT.total_seconds())  # noqa: S311 - spreads load
    while True:
        await CLOCK.sleep(timedelta(seconds=wait))
        try:
            return await _connect(doors, instance_id, proof(doors.cloud, credentials))
        except (Error, OSError, TimeoutError):
            failures += 1
            wait = backoff(failures, random.random())  # noqa: S311 - spreads load


async def _connect(doors: Doors, instance_id: InstanceId, token: str) -> None:
    client: Any = MachineClient()

    async def ignore(_: Exception) -> None: ...

    try:
        await client.connect(
            doors.url,
            token=token,
            inbox_prefix=inbox_of(instance_id),
            allow_reconnect=False,
            connect_timeout=25,
            error_cb=ignore,
        )
    finally:
        await client.close()


def _role_arn(doors: Doors) -> str:
    iam = doors.cloud.client("iam")
    return iam.get_role(RoleName=doors.grant.role)["Role"]["Arn"]


@asynccontextmanager
async def _in_a_process(home: Home, env: Mapping[str, str]) -> AsyncGenerator[None]:
    with (home.root / "broker.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [sys.executable, "-P", "-m", "spawn.runtime.host", BROKER],
            env={"PATH": os.defpath, **env},
            stderr=log,
            stdout=log,
        )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _verifications(home: Home) -> float:
    said = read_run_file(home.run_file(BROKER))
    assert said is not None, "the broker runs"
    with urllib.request.urlopen(said.metrics_url) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(_VERIFIED))
