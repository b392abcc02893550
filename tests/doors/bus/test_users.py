"""Who we are on a bus that asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from spawn.bus.connection import connect
from spawn.bus.settings import BusSettings
from spawn.bus.streams import ensure
from spawn.clock import SystemClock
from spawn.errors import Transient
from tests.fixtures.nats import NatsServer, running_server

pytestmark = pytest.mark.door

CLOCK = SystemClock()
PASSWORD = "p@ss:w/rd"  # noqa: S105 - of this test's own server
CONFIG = """
authorization { users: [
  { user: "services", password: "p@ss:w/rd",
    permissions: { publish: ">", subscribe: ["_INBOX_services.>", "spawn.>"] } }
  { user: "cli", password: "other", permissions: { subscribe: ["_INBOX.>"] } }
] }
"""


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with running_server(tmp_path, config=CONFIG) as server:
        yield server


def creds(tmp_path: Path, text: str) -> str:
    path = tmp_path / "creds"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


async def test_a_file_says_who_we_are_and_our_inbox_is_our_own(
    guarded: NatsServer, tmp_path: Path
) -> None:
    settings = msgspec.structs.replace(
        guarded.settings(), nats_creds=creds(tmp_path, f"services:{PASSWORD}\n")
    )
    async with connect(settings, name="t", patient=False, clock=CLOCK) as bus:
        assert bus.wire.inbox().startswith("_INBOX_services.")
        await ensure(bus)


async def test_the_url_says_who_we_are(guarded: NatsServer) -> None:
    url = f"nats://services:p%40ss%3Aw%2Frd@127.0.0.1:{guarded.port}"
    settings = BusSettings(nats_url=url)
    async with connect(settings, name="t", patient=False, clock=CLOCK) as bus:
        await ensure(bus)


async def test_another_inbox_may_be_named(guarded: NatsServer) -> None:
    settings = BusSettings(
        nats_url=f"nats://cli:other@127.0.0.1:{guarded.port}", nats_inbox="_INBOX"
    )
    async with connect(settings, name="t", patient=False, clock=CLOCK) as bus:
        await ensure(bus)


@pytest.mark.parametrize("text", ["services:wrong", "nobody:other"])
async def test_wrong_credentials_are_refused_at_once_and_not_shown(
    guarded: NatsServer, tmp_path: Path, text: str
) -> None:
    settings = msgspec.structs.replace(guarded.settings(), nats_creds=creds(tmp_path, text))
    with pytest.raises(Transient) as raised:
        async with connect(settings, name="t", patient=False, clock=CLOCK):
            pass
    assert "refuses these credentials" in raised.value.message
    assert text.split(":")[1] not in raised.value.message
