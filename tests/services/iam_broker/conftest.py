"""The bus with its doors, the IAM broker and the laptop cloud, all of them real."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error

from agent.metadata import Credentials
from services.iam_broker.service import SERVICE
from spawn.bus.connection import Bus, connect
from spawn.bus.requests import Requests
from spawn.bus.settings import BusSettings
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import members
from spawn.contracts.grants import API_ENSURE, Grant, GrantRequest
from spawn.contracts.identities import inbox_of
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Member, member_key
from spawn.errors import Transient
from spawn.runtime.home import Home, User
from spawn.runtime.run import host
from spawn.runtime.supervisor import nats_server, specs
from spawn.runtime.supervisor.advertising import Advertised, AdvertisingSettings, advertise
from spawn.runtime.supervisor.probe import free_port
from spawn.runtime.supervisor.readiness import bus_is_ready
from tests.builders import a_member
from tests.fixtures.proving import DEPLOYMENT, assume, proof
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

CLOCK = SystemClock()
QUICK = {"throttle": {"enabled": False}, "lifecycle": {"pending": 0.05, "shutting_down": 0.05}}
_POLL = timedelta(milliseconds=20)


@dataclass
class Refusals:
    """What the server has told a client that it may not."""

    said: asyncio.Queue[str]

    async def next(self) -> str:
        async with asyncio.timeout(20):
            return await self.said.get()


@dataclass(frozen=True)
class Doors:
    """The bus, seen by the services, and the machines that want in."""

    cloud: RunningSandbox
    home: Home
    url: str
    bus: Bus
    grant: Grant
    advertised: Advertised

    @property
    def members(self) -> Store[Member]:
        return Store(self.bus, members.BUCKET, Member)

    def credentials(self, instance_id: str) -> Credentials:
        """Return what the instance's metadata service would give it."""
        iam = self.cloud.client("iam")
        arn = iam.get_role(RoleName=self.grant.role)["Role"]["Arn"]
        return assume(self.cloud, arn, instance_id)

    async def add(self, number: int, **changes: Any) -> Member:
        """Record the member of a rank, with an instance of that number."""
        member = a_member(number, **changes)
        await self.members.create(member_key(member.array_id, member.rank), member)
        return member

    async def prove(self, instance_id: InstanceId, **forged: Any) -> str:
        """Return a proof of an instance."""
        credentials = await asyncio.to_thread(self.credentials, instance_id)
        return proof(self.cloud, credentials, **forged)

    @asynccontextmanager
    async def entered(self, token: str, instance_id: str) -> AsyncGenerator[tuple[Any, Refusals]]:
        """Connect with a proof, as a machine does; raise when the server lets it not in."""
        refusals = Refusals(asyncio.Queue())

        async def note(error: Exception) -> None:
            refusals.said.put_nowait(str(error).lower())

        client: Any = Client()
        try:
            await client.connect(
                self.url,
                token=token,
                inbox_prefix=inbox_of(InstanceId(instance_id)),
                error_cb=note,
                allow_reconnect=False,
                connect_timeout=20,
            )
            # The client may be told that it is connected before the verdict.
            await client.flush(timeout=20)
            yield client, refusals
        finally:
            await client.close()

    async def is_let_in(self, token: str, instance_id: str = "i-0123456789abcdef0") -> bool:
        """Say whether a proof opens the door."""
        try:
            async with self.entered(token, instance_id):
                return True
        except Error:
            return False


@pytest.fixture(scope="session")
def sts_cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A laptop cloud for all tests of the doors; its STS checks signatures."""
    with running_sandbox(tmp_path_factory.mktemp("sts"), QUICK) as cloud:
        yield cloud


@pytest.fixture
async def doors(
    tmp_path: Path, sts_cloud: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Doors]:
    home = Home(tmp_path)
    port = free_port()
    settings = AdvertisingSettings(
        bus_advertise=f"tls://localhost:{port}", bus_listen=f"127.0.0.1:{port}"
    )
    advertised = advertise(home, settings, CLOCK)
    assert advertised is not None
    ports = nats_server.configure(home, "sandbox", listener=advertised.listener)
    url = f"nats://127.0.0.1:{ports.client}"
    broker = specs.host(home, "iam_broker", ("iam_broker",), env={})
    variables = {
        **sts_cloud.environment(),
        **broker.env,
        "SPAWN_DEPLOYMENT": DEPLOYMENT,
        "SPAWN_NATS_URL": url,
        "SPAWN_NATS_CREDS": str(home.creds("services")),
    }
    home.runs.mkdir()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with _server(home):
        async with asyncio.timeout(30):
            while not await bus_is_ready(f"http://127.0.0.1:{ports.monitor}"):
                await CLOCK.sleep(_POLL)
        async with _broker(), connect(_as(home, url, "services"), **_PATIENT) as bus:
            grant = await _ensured(bus)
            yield Doors(sts_cloud, home, url, bus, grant, advertised)


_PATIENT: dict[str, Any] = {"name": "test", "patient": True, "clock": CLOCK}


def _as(home: Home, url: str, user: User) -> BusSettings:
    return BusSettings(nats_url=url, nats_creds=str(home.creds(user)))


@asynccontextmanager
async def _broker() -> AsyncGenerator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        hosted = group.create_task(host((SERVICE,), clock=CLOCK, stop=stop))
        try:
            yield
        finally:
            stop.set()
            assert await hosted == 0


async def _ensured(bus: Bus) -> Grant:
    """Return the empty grant, asked for until the broker answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await Requests(bus).ask(API_ENSURE, GrantRequest(), Grant)
            except Transient:
                await CLOCK.sleep(_POLL)


@contextmanager
def _server(home: Home) -> Generator[None]:
    with (home.root / "nats-server.log").open("wb") as log:
        process = subprocess.Popen(
            [nats_server.binary(), "--config", home.bus_conf],
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
