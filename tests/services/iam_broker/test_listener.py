"""Where machines on other hosts come in: TLS, one certificate, and machines alone."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.errors import Error

from agent import pinning
from agent.client import MachineClient
from agent.tunnel import Tunnel
from spawn.clock import SystemClock
from spawn.contracts.identities import inbox_of
from spawn.runtime.doctor.door import look_at_door
from spawn.runtime.home import ControlState, User
from spawn.runtime.processes import ProcessRef
from tests.fixtures.doors import Doors

pytestmark = pytest.mark.door

CLOCK = SystemClock()


class Complaints:
    """What a client was told went wrong, in its own time."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._heard = asyncio.Event()

    async def note(self, error: Exception) -> None:
        """Keep one more."""
        self.texts.append(str(error))
        self._heard.set()

    async def until(self, word: str) -> None:
        """Return once one of them says `word`."""
        async with asyncio.timeout(20):
            while not any(word in text for text in self.texts):
                self._heard.clear()
                await self._heard.wait()


@asynccontextmanager
async def tunnelled(
    doors: Doors, *, fingerprint: str = "", **login: Any
) -> AsyncGenerator[tuple[Any, Complaints]]:
    """Connect to the advertised address; yield the client and what it was told went wrong."""
    wrong = Complaints()

    client: Any = MachineClient()
    context = pinning.context(fingerprint or doors.advertised.fingerprint)
    client._transport = Tunnel(context)
    try:
        await client.connect(
            doors.advertised.url,
            tls=context,
            error_cb=wrong.note,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=20,
            **login,
        )
        yield client, wrong
    except Error as error:
        raise ConnectionError(wrong.texts or error) from error
    finally:
        await client.close()


async def test_a_machine_comes_in_and_works(doors: Doors) -> None:
    member = await doors.add(1)
    instance_id = member.instance.id
    token = await doors.prove(instance_id)
    inbox = inbox_of(instance_id)
    async with tunnelled(doors, token=token, inbox_prefix=inbox) as (client, wrong):
        for size in (0, 1, 125, 126, 65_535, 65_536, 200_000):
            subject = f"spawn.log.{member.array_id}.1"
            assert (await client.jetstream(timeout=20).publish(subject, bytes(size))).seq
        told = await client.subscribe(f"spawn.tell.{member.array_id}.all")
        # A flush may overtake what was subscribed; a report does not.
        hello = f"spawn.agent.{member.array_id}.{instance_id}.hello"
        await client.jetstream(timeout=20).publish(hello, b"{}")
        for size in (1, 125, 126, 65_535, 65_536, 200_000):
            await doors.bus.wire.publish(f"spawn.tell.{member.array_id}.all", bytes(size))
            assert (await told.next_msg(timeout=20)).data == bytes(size)
        await client.publish("spawn.evt.a.array.ready", b"{}")
        await wrong.until("publish")


@pytest.mark.parametrize("user", ["services", "cli", "observer", "callout", "system"])
async def test_the_buss_own_users_do_not_come_in_here(doors: Doors, user: User) -> None:
    name, _, password = doors.home.creds(user).read_text().strip().partition(":")
    with pytest.raises(ConnectionError, match="Authorization Violation"):
        async with tunnelled(doors, user=name, password=password):
            pass


async def test_another_certificate_is_told_nothing(doors: Doors) -> None:
    with pytest.raises(ConnectionError, match="shows certificate"):
        async with tunnelled(doors, fingerprint="0" * 64, token="secret"):
            pass


async def test_nothing_is_said_in_the_clear(doors: Doors) -> None:
    _, _, port = doors.advertised.url.rpartition(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"CONNECT {}\r\nPING\r\n")
    assert b"INFO" not in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_the_doctor_dials_it(doors: Doors) -> None:
    state = ControlState(
        deployment="test",
        mode="aws",
        isolate=False,
        state="ready",
        supervisor=ProcessRef(1, "x"),
        bus_url=doors.url,
        monitor_url="",
        services=(),
        advertised=doors.advertised.url,
        fingerprint=doors.advertised.fingerprint,
    )
    found = await look_at_door(state)
    assert found is not None
    assert found.ok, found
