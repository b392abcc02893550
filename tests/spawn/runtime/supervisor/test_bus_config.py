"""`bus.conf`, and what nats-server makes of it."""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import nats
import pytest

from spawn.bus import streams
from spawn.bus.connection import connect
from spawn.bus.logs import Logged, follow_output, output_of
from spawn.bus.said import last_exits
from spawn.bus.settings import BusSettings
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import arrays, grants
from spawn.contracts.arrays import DeploymentMark
from spawn.contracts.identities import INBOX
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.reports import JobExited
from spawn.runtime.home import USERS, Home, Mode, User
from spawn.runtime.supervisor import nats_server
from spawn.runtime.supervisor.bus_config import SERVICES_INBOX, Access, BusPorts, render
from spawn.runtime.supervisor.readiness import bus_is_ready
from tests.fakes.machine import FakeMachine

PASSWORDS: dict[User, str] = {user: user for user in USERS}
ACCESS = Access(passwords=PASSWORDS, issuer="A")
CLOCK = SystemClock()


@pytest.mark.parametrize(
    ("mode", "interval"), [("sandbox", "1s"), ("aws", "always")], ids=["sandbox", "aws"]
)
def test_streams_are_written_out_as_the_mode_needs(mode: Mode, interval: str) -> None:
    conf = json.loads(render(BusPorts(1, 2), ACCESS, store=Path("/s"), mode=mode))
    assert conf["jetstream"] == {"store_dir": "/s", "sync_interval": interval}
    assert conf["feature_flags"] == {"js_ack_fc_v2": False}
    assert conf["listen"] == "127.0.0.1:1"
    assert conf["http"] == "127.0.0.1:2"


def test_letters_of_any_language_stand_as_they_are() -> None:
    store = Path("/home/jürgen/状态")
    text = render(BusPorts(1, 2), ACCESS, store=store, mode="sandbox")
    assert f'"{store}"' in text


def test_nobody_but_the_services_may_ask_for_specs_or_write_state() -> None:
    conf = json.loads(render(BusPorts(1, 2), ACCESS, store=Path("/s"), mode="aws"))
    for user in conf["accounts"]["APP"]["users"]:
        if user["user"] == "services":
            assert "permissions" not in user
            continue
        allowed = (
            user["permissions"]["publish"]["allow"] + user["permissions"]["subscribe"]["allow"]
        )
        assert not [subject for subject in allowed if "specs" in subject or "$KV" in subject]
        assert ">" not in allowed


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A state folder with its nats-server running, and the streams made by the services."""
    home = Home(tmp_path)
    ports = nats_server.configure(home, "sandbox")
    process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [nats_server.binary(), "--config", home.bus_conf],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while not await bus_is_ready(f"http://127.0.0.1:{ports.monitor}"):
                await CLOCK.sleep(timedelta(milliseconds=5))
        yield home
    finally:
        process.terminate()
        process.wait()


def settings(home: Home, user: User) -> BusSettings:
    ports = msgspec.json.decode(home.bus_ports.read_bytes(), type=BusPorts)
    url = f"nats://127.0.0.1:{ports.client}"
    return BusSettings(nats_url=url, nats_creds=str(home.creds(user)))


@asynccontextmanager
async def plain_client(home: Home, user: User) -> AsyncGenerator[tuple[Any, asyncio.Queue[str]]]:
    """Connect as any client would; what the server refuses comes by the queue."""
    refused: asyncio.Queue[str] = asyncio.Queue()

    async def note(error: Exception) -> None:
        refused.put_nowait(str(error).lower())

    ports = msgspec.json.decode(home.bus_ports.read_bytes(), type=BusPorts)
    login = home.creds(user).read_text().strip()
    url = f"nats://{login}@127.0.0.1:{ports.client}"
    client = await cast("Any", nats).connect(url, error_cb=note)
    try:
        yield client, refused
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("observer", "spawn.cmd.launcher.terminate"),
        ("observer", "spawn.api.launcher.plan"),
        ("observer", "spawn.evt.a.array.ready"),
        ("observer", "$JS.API.DIRECT.GET.KV_spawn-specs.$KV.spawn-specs.a"),
        ("observer", "$JS.API.DIRECT.GET.KV_spawn-arrays.$KV.spawn-arrays.a"),
        ("observer", "$JS.API.STREAM.PURGE.SPAWN_EVENTS"),
        ("observer", "$JS.API.CONSUMER.CREATE.SPAWN_LOGS"),
        ("cli", "spawn.log.a.0"),
        ("cli", "spawn.agent.a.i-0.hello"),
        ("cli", "spawn.tell.a.all"),
        ("cli", "spawn.evt.a.array.ready"),
        ("cli", "spawn.cmd.launcher.terminate.somebody"),
        ("cli", "$KV.spawn-arrays.a"),
        ("cli", "$KV.spawn-grants.a"),
        ("cli", "spawn.api.launcher.assignment.a.i-1"),
        ("cli", "spawn.api.launcher.peers.a.i-1"),
        ("cli", "spawn.agent.a.i-1.hello"),
        ("cli", "spawn.log.a.1"),
        ("cli", "$JS.API.DIRECT.GET.KV_spawn-specs.$KV.spawn-specs.a"),
        ("cli", "$JS.API.CONSUMER.CREATE.KV_spawn-specs"),
        ("cli", "$JS.API.CONSUMER.DELETE.SPAWN_EVENTS.launcher"),
        ("cli", "$JS.API.STREAM.DELETE.SPAWN_EVENTS"),
    ],
)
async def test_what_a_user_may_not_say_is_refused(home: Home, user: User, subject: str) -> None:
    async with asyncio.timeout(30), plain_client(home, user) as (client, refused):
        await client.publish(subject, b"{}")
        assert "permissions violation for publish" in await refused.get()


@pytest.mark.parametrize("user", ["cli", "observer"])
@pytest.mark.parametrize(
    "subject", [">", "$KV.>", "spawn.cmd.>", f"{SERVICES_INBOX}.>", f"{INBOX}.>"], ids=str
)
async def test_what_a_user_may_not_hear_is_refused(home: Home, user: User, subject: str) -> None:
    async with asyncio.timeout(30), plain_client(home, user) as (client, refused):
        await client.subscribe(subject)
        assert "permissions violation for subscription" in await refused.get()


async def test_an_observer_hears_events_and_reads_old_ones(home: Home) -> None:
    async with (
        asyncio.timeout(30),
        connect(settings(home, "services"), name="s", patient=True, clock=CLOCK) as services,
        plain_client(home, "observer") as (client, _),
    ):
        await streams.ensure(services)
        heard = await client.subscribe("spawn.evt.>")
        # A flush may overtake what was subscribed; a question does not.
        old = await client.jetstream().subscribe("spawn.evt.>", ordered_consumer=True)
        await services.js.publish("spawn.evt.a.array.ready", b"1", headers={}, patience=None)
        assert (await heard.next_msg(timeout=20)).data == b"1"
        assert (await old.next_msg(timeout=20)).data == b"1"


async def test_the_command_line_reads_records_and_sends_commands(home: Home) -> None:
    async with (
        asyncio.timeout(30),
        connect(settings(home, "services"), name="s", patient=True, clock=CLOCK) as services,
        connect(settings(home, "cli"), name="c", patient=False, clock=CLOCK) as cli,
    ):
        await streams.ensure(services)
        mark = DeploymentMark(deployment="ada-1")
        await Store(services, arrays.BUCKET, DeploymentMark).create(arrays.MARK_KEY, mark)
        read = Store(cli, arrays.BUCKET, DeploymentMark)
        assert (await read.get(arrays.MARK_KEY)).value == mark
        assert set(await read.load(arrays.MARK_KEY)) == {arrays.MARK_KEY}
        assert await Store(cli, grants.BUCKET, grants.Grant).load("*") == {}
        sent = await cli.js.publish("spawn.cmd.launcher.launch", b"{}", headers={}, patience=None)
        assert sent.stream == streams.COMMANDS


async def test_the_command_line_reads_output_and_reports(home: Home) -> None:
    array = ArrayId("web-abcdefghijkl")
    async with (
        asyncio.timeout(30),
        connect(settings(home, "services"), name="s", patient=True, clock=CLOCK) as services,
        connect(settings(home, "cli"), name="c", patient=False, clock=CLOCK) as cli,
    ):
        await streams.ensure(services)
        machine = FakeMachine(services, array, 0, InstanceId("i-0"))
        await machine.print(b"hello\n")
        exited = JobExited(generation=0, at=CLOCK.now(), exit_code=0)
        await machine.say("job.exited", exited)
        async with aclosing(follow_output(cli, output_of(array))) as items:
            item = await anext(items)
        assert isinstance(item, Logged)
        assert item.block.data == b"hello\n"
        assert await last_exits(cli, array, [InstanceId("i-0")]) == {"i-0": exited}


def test_ports_and_passwords_stay_from_run_to_run(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = nats_server.configure(home, "sandbox")
    conf = home.bus_conf.read_text()
    assert nats_server.configure(home, "sandbox") == first
    assert home.bus_conf.read_text() == conf
    assert home.bus_conf.stat().st_mode & 0o777 == 0o600


def test_a_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        home.bus_ports.write_bytes(msgspec.json.encode(BusPorts(client=port, monitor=port)))
        assert port not in msgspec.structs.astuple(nats_server.configure(home, "aws"))
