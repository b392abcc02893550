"""`spawn spot` on a real bus, with a watcher behind it that has one region."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.message import Message
from spawn.contracts.notices import API_SETUP, API_WATCH, Setup, SetupRequest, Watch, Watched
from tests.cli.conftest import Spawn

pytestmark = pytest.mark.door

Captured = pytest.CaptureFixture[str]
RULES = ("spawn-tests-spot", "spawn-tests-health")


class Watcher:
    """Answers as the spot watcher does; the first set-up makes everything."""

    def __init__(self) -> None:
        self.regions: list[str] = []

    async def setup(self, message: Message) -> bytes:
        region = codec.decode(message.data, SetupRequest).region or "us-east-1"
        made = () if region in self.regions else RULES
        self.regions.append(region)
        queue = f"https://sqs.{region}.amazonaws.com/1/spawn-tests-notices"
        return codec.encode(Setup(region=region, queue=queue, rules=RULES, made=made))

    async def watch(self, _message: Message) -> bytes:
        watches = (
            Watch(region=region, queue="", is_read=False, reason="not set up")
            for region in dict.fromkeys(self.regions)
        )
        return codec.encode(Watched(regions=tuple(watches)))


@pytest.fixture(autouse=True)
async def _service(bus: Bus, on_bus: None) -> AsyncIterator[None]:
    watcher = Watcher()
    endpoints = (
        Endpoint(name="setup", subject=API_SETUP, answer=watcher.setup),
        Endpoint(name="watch", subject=API_WATCH, answer=watcher.watch),
    )
    async with serving(bus, "spot_watcher", endpoints, replica="one"):
        yield


async def test_setting_up_says_what_was_made_and_the_second_time_nothing_is(
    spawn: Spawn, capsys: Captured
) -> None:
    assert await spawn("spot", "setup", "--region", "eu-west-1") == 0
    first = capsys.readouterr()
    assert first.out.strip().endswith("eu-west-1.amazonaws.com/1/spawn-tests-notices")
    assert all(f"made or corrected {rule}" in first.err for rule in RULES)
    assert await spawn("spot", "setup", "--region", "eu-west-1") == 0
    assert "everything was there in eu-west-1" in capsys.readouterr().err


async def test_what_is_watched_is_a_table_or_json(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("spot", "watch") == 0
    assert "no array lives" in capsys.readouterr().err
    await spawn("spot", "setup")
    capsys.readouterr()
    assert await spawn("spot", "watch") == 0
    assert "us-east-1" in capsys.readouterr().out
    assert await spawn("spot", "watch", "--json") == 0
    watched = msgspec.json.decode(capsys.readouterr().out, type=Watched)
    assert [each.reason for each in watched.regions] == ["not set up"]
