"""One zone, three ways: in memory, the laptop cloud's Route 53, and BIND 9."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from services.dns.adapters.rfc2136 import Key, UpdatedZone
from services.dns.ports import ZonePort
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.clock import SystemClock
from tests.fakes.zone import FakeZone
from tests.fixtures.bind import KEY_NAME, SECRET, NameServer, running_bind
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

UNTHROTTLED = (
    "ChangeResourceRecordSets=1000/1000",
    "ListResourceRecordSets=1000/1000",
    "GetChange=1000/1000",
)
QUICK = {"throttle": {"enabled": False}}


@pytest.fixture(scope="session")
def names_cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A laptop cloud for all tests of zones."""
    with running_sandbox(tmp_path_factory.mktemp("names"), QUICK) as cloud:
        yield cloud


@pytest.fixture
def base() -> str:
    """A domain of the test's own."""
    return f"team-{uuid4().hex[:8]}.example.org"


@pytest.fixture(scope="session")
def name_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[NameServer]:
    """BIND 9, for all tests of zones; without it they skip."""
    with running_bind(tmp_path_factory.mktemp("bind"), zone="example.org") as server:
        yield server


@pytest.fixture(params=["fake", "laptop cloud", "BIND 9"])
async def zone(
    request: pytest.FixtureRequest, base: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[ZonePort]:
    """An empty zone, each way."""
    if request.param == "fake":
        yield FakeZone(SystemClock(), base=base)
        return
    if request.param == "BIND 9":
        server: NameServer = request.getfixturevalue("name_server")
        key = Key(KEY_NAME, SECRET, "hmac-sha256")
        yield UpdatedZone(server.address, zone=server.zone, base=base, key=key)
        return
    cloud: RunningSandbox = request.getfixturevalue("names_cloud")
    async with hosted_zone(cloud, base, monkeypatch) as opened:
        yield opened


@asynccontextmanager
async def hosted_zone(
    cloud: RunningSandbox, base: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[ZonePort]:
    """A hosted zone of the laptop cloud, above the base."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    above = base.partition(".")[2]
    made = await asyncio.to_thread(
        cloud.client("route53").create_hosted_zone, Name=above, CallerReference=uuid4().hex
    )
    async with open_aws(AwsSettings(buckets=UNTHROTTLED), SystemClock()) as aws:
        yield aws.hosted_zone(made["HostedZone"]["Id"].rpartition("/")[2], base=base)


async def everywhere(zone: ZonePort, change_id: str) -> None:
    """Wait until a change is everywhere."""
    async with asyncio.timeout(60):
        while not await zone.is_everywhere(change_id):
            await SystemClock().sleep(timedelta(milliseconds=50))
