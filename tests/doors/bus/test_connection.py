"""Connecting: commands give up at once, services never do."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY

from spawn.bus.connection import Bus, connect
from spawn.bus.settings import BusSettings
from spawn.bus.streams import ensure, table
from spawn.clock import SystemClock
from spawn.errors import Cause, Rejected, Transient
from tests.fixtures.nats import NatsServer, connected

pytestmark = pytest.mark.door

CLOCK = SystemClock()


async def test_a_command_gives_up_at_once_and_names_the_url_without_its_password() -> None:
    settings = BusSettings(nats_url="nats://somebody:hunter2@127.0.0.1:1")
    with pytest.raises(Transient) as raised:
        async with asyncio.timeout(10), connect(settings, name="t", patient=False, clock=CLOCK):
            pass
    assert raised.value.cause == Cause.UNREACHABLE
    assert "nats://127.0.0.1:1" in raised.value.message
    assert "hunter2" not in raised.value.message
    assert "somebody" not in raised.value.message


async def test_a_command_does_not_wait_for_a_port_that_is_silent() -> None:
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = BusSettings(
            nats_url=f"nats://127.0.0.1:{port}", nats_connect_timeout=timedelta(milliseconds=50)
        )
        with pytest.raises(Transient):
            async with (
                asyncio.timeout(10),
                connect(settings, name="t", patient=False, clock=CLOCK),
            ):
                pass
        for writer in writers:
            writer.close()


async def test_a_service_waits_for_a_bus_that_starts_later(nats_server: NatsServer) -> None:
    nats_server.kill()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        waiting = group.create_task(connect_and_ask(nats_server.settings()))
        before = refused()
        while refused() == before:
            await CLOCK.sleep(timedelta(milliseconds=5))
        await nats_server.start()
        await waiting


def refused() -> float:
    labels = {"kind": "ConnectionRefusedError"}
    return REGISTRY.get_sample_value("spawn_bus_client_errors_total", labels) or 0


async def connect_and_ask(settings: BusSettings) -> None:
    async with connect(settings, name="t", patient=True, clock=CLOCK) as bus:
        await ensure(bus)


@pytest.mark.parametrize("turns", range(1, 3))
async def test_a_bus_that_goes_away_while_it_is_left_is_no_failure(
    nats_server: NatsServer, turns: int
) -> None:
    async with (
        asyncio.timeout(30),
        connect(nats_server.settings(), name="t", patient=True, clock=CLOCK) as bus,
    ):
        await bus.wire.publish("heard", b"1")
        nats_server.kill()
        for _ in range(turns):
            await bus.wire.publish("unheard", b"1")
            await CLOCK.sleep(timedelta(0))
        await bus.wire.publish("unheard", b"1")
    await nats_server.start()


async def test_streams_are_made_by_several_at_once(nats_server: NatsServer) -> None:
    settings = nats_server.settings()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(connect_and_ask(settings))


class Info(msgspec.Struct):
    config: dict[str, object]


async def test_a_stream_that_differs_is_corrected(bus: Bus) -> None:
    config = table(1)[0]
    changed = {"name": config.name, "subjects": ["spawn.cmd.a.>"], "retention": "workqueue"}
    await bus.js.call(f"STREAM.UPDATE.{config.name}", changed, answer=dict[str, object])
    await ensure(bus)
    info = await bus.js.call(f"STREAM.INFO.{config.name}", answer=Info)
    assert info.config["max_msg_size"] == config.max_msg_size
    assert info.config["subjects"] == config.subjects


async def test_a_connection_that_the_server_refuses_for_good_is_noticed(
    bus: Bus, nats_server: NatsServer
) -> None:
    # The server closes the connection of who sends such a line, and nats-py then gives up.
    await bus.wire.publish("x" * 5000)
    async with asyncio.timeout(10):
        await bus.closed.wait()
    with pytest.raises(Transient):
        await bus.until_connected()


def write(path: Path, text: str, *, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("text", "mode"),
    [("user:password", 0o644), ("no colon", 0o600), (":password", 0o600), ("a:b\nc:d", 0o600)],
    ids=["others may read it", "no colon", "no user", "two lines"],
)
async def test_an_unusable_credentials_file_is_refused(
    tmp_path: Path, text: str, mode: int
) -> None:
    settings = BusSettings(nats_creds=write(tmp_path / "creds", text, mode=mode))
    with pytest.raises(Rejected) as raised:
        async with connect(settings, name="t", patient=False, clock=CLOCK):
            pass
    assert raised.value.field == "SPAWN_NATS_CREDS"
    assert "password" not in raised.value.message.replace("user:password", "")


async def test_a_missing_credentials_file_is_refused(tmp_path: Path) -> None:
    settings = BusSettings(nats_creds=str(tmp_path / "none"))
    with pytest.raises(Rejected):
        async with connect(settings, name="t", patient=False, clock=CLOCK):
            pass


async def test_two_connections_see_each_other(bus: Bus, nats_server: NatsServer) -> None:
    async with connected(nats_server, name="other") as other:
        heard = asyncio.Event()

        async def hear(_message: object) -> None:
            heard.set()

        await other.wire.subscribe("spawn.tell.x", hear)
        await other.js.call("INFO", answer=dict[str, object])
        await bus.wire.publish("spawn.tell.x", b"")
        async with asyncio.timeout(10):
            await heard.wait()
