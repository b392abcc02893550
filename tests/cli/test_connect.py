"""`spawn connect` on a real bus: which program takes the process over, and with what."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Facts
from spawn.runtime.files import write_private
from spawn.runtime.home import ControlState, Home, SandboxFacts
from spawn.runtime.processes import refer
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import instance_of
from tests.fakes.cli_machines import HOST_KEY, FakeMachines
from tests.fixtures.nats import NatsServer

pytestmark = pytest.mark.door


@pytest.fixture
async def array(
    spawn: Spawn, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> ArrayId:
    """An array of three."""
    await spawn("launch", "--name", "web", "--count", "3")
    capsys.readouterr()
    return await machines.only()


async def connect(*arguments: str) -> tuple[int, str, str]:
    """Run `spawn connect`, whose process another program takes over."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "connect", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
def ssh(surroundings: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An ssh that prints its arguments; returns the user's home."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 9\n')
    program.chmod(0o755)
    surroundings.setenv("PATH", f"{program.parent}:{os.defpath}")
    home = tmp_path / "user"
    home.mkdir()
    surroundings.setenv("HOME", str(home))
    return home


async def test_connect_runs_ssh_and_believes_only_the_key_that_the_machine_told(
    array: ArrayId, machines: FakeMachines, ssh: Path, tmp_path: Path
) -> None:
    await machines.greet(array, 1, Facts(host_key=f"{HOST_KEY} comment"))
    told = tmp_path / "home" / "ssh" / array
    code, out, err = await connect("web:1", "--", "hostname", "-f")
    assert (code, err) == (9, "")
    assert out.splitlines() == [
        "-oUser=ec2-user",
        f"-oHostKeyAlias={instance_of(1).id}",
        f'-oUserKnownHostsFile="{told}"',
        "-oStrictHostKeyChecking=yes",
        "10.0.0.2",
        "hostname",
        "-f",
    ]
    assert told.read_text() == f"{instance_of(1).id} {HOST_KEY}\n"
    assert not (ssh / ".ssh").exists()


async def test_connect_keeps_what_ssh_knows_up_to_date_once_that_was_wanted(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, ssh: Path
) -> None:
    config, managed = ssh / ".ssh" / "config", ssh / ".ssh" / "config.d" / "spawn"
    config.parent.mkdir()
    config.write_text("Host own\n    User me\n")
    code, out, err = await connect("web", "--write-config")
    assert (code, out) == (0, "")
    assert f"ssh knows 3 members by {managed}, such as web-0" in err
    assert config.read_text() == "Include config.d/spawn\nHost own\n    User me\n"
    assert stat.S_IMODE(managed.stat().st_mode) == 0o600
    assert managed.read_text().count("\nHost web-") == 3
    await machines.lose(array, 2)
    assert (await connect("web"))[0] == 9
    assert managed.read_text().count("\nHost web-") == 2
    assert config.read_text().count("Include") == 1


async def test_connect_enters_a_machine_of_the_laptop_cloud(
    array: ArrayId, nats_server: NatsServer, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    write_control(home, nats_server.url)
    code, _, err = await connect("web:2")
    assert (code, err) == (
        4,
        f"spawn: {instance_of(2).id} is not running as a process of this machine\n",
    )
    enter = home.sandbox / "machines" / instance_of(2).id / "enter"
    enter.parent.mkdir(parents=True)
    enter.write_text('#!/bin/sh\necho inside "$@"\nexit 7\n')
    enter.chmod(0o755)
    assert await connect("web:2", "--", "ls", "-l") == (7, "inside ls -l\n", "")


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("web:0,1", 2, "name one rank"),
        ("web:3", 4, "web has ranks 0-2, and no 3"),
        ("web:1", 4, "web-1 has no machine"),
        ("wep", 4, "there is web"),
    ],
)
async def test_who_can_t_be_reached_is_said(
    array: ArrayId, machines: FakeMachines, ssh: Path, target: str, code: int, message: str
) -> None:
    await machines.lose(array, 1)
    found, out, err = await connect(target)
    assert (found, out) == (code, "")
    assert message in err


def write_control(home: Home, bus_url: str) -> None:
    """Say that the control plane of this machine runs, with a laptop cloud."""
    supervisor = refer(os.getpid())
    assert supervisor
    state = ControlState(
        deployment="tests",
        mode="sandbox",
        isolate=False,
        state="ready",
        supervisor=supervisor,
        bus_url=bus_url,
        monitor_url="",
        services=("launcher",),
        sandbox=SandboxFacts(
            pid=os.getpid(),
            endpoint="http://127.0.0.1:1",
            region="us-east-1",
            access_key_id="a",
            secret_access_key="s",
        ),
    )
    home.control.write_bytes(msgspec.json.encode(state))
    write_private(home.creds("cli"), b"cli:unasked\n")
