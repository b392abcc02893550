"""`spawn dns` on a real bus, with a service behind it that has one stale record."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.message import Message
from spawn.contracts.hostnames import (
    API_CHECK,
    API_COLLECT,
    API_LIST,
    CollectRecords,
    Difference,
    OwnedRecord,
    RecordCheck,
    RecordCollection,
    RecordList,
)
from tests.cli.conftest import Spawn

pytestmark = pytest.mark.door

Captured = pytest.CaptureFixture[str]

STALE = OwnedRecord(
    name="web.a.example", type="A", values=("10.0.0.1",), array_id="web-aaaaaaaaaaaa"
)
GOING = Difference(
    name=STALE.name, type="A", array_id=STALE.array_id, found=STALE.values, why="nothing runs"
)


async def _list(message: Message) -> bytes:
    return codec.encode(RecordList(records=(STALE,)))


async def _check(message: Message) -> bytes:
    return codec.encode(
        RecordCheck(base="a.example", backend="none", agreeing=1, differences=(GOING,))
    )


async def _collect(message: Message) -> bytes:
    is_dry = codec.decode(message.data, CollectRecords).dry_run
    return codec.encode(RecordCollection(stale=(STALE,), acted=not is_dry))


@pytest.fixture(autouse=True)
async def _service(bus: Bus, on_bus: None) -> AsyncIterator[None]:
    endpoints = (
        Endpoint(name="list", subject=API_LIST, answer=_list),
        Endpoint(name="check", subject=API_CHECK, answer=_check),
        Endpoint(name="collect", subject=API_COLLECT, answer=_collect),
    )
    async with serving(bus, "dns", endpoints, replica="one"):
        yield


@pytest.mark.parametrize("words", [("list",), ("gc", "--dry-run"), ("gc", "--yes")])
async def test_json_is_one_record_a_line(
    spawn: Spawn, capsys: Captured, words: tuple[str, ...]
) -> None:
    assert await spawn("dns", *words, "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [msgspec.json.decode(each, type=OwnedRecord) for each in lines] == [STALE]


async def test_gc_says_what_it_removes(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("dns", "gc", "--yes") == 0
    said = capsys.readouterr()
    assert STALE.name in said.out
    assert said.err == "removed from the zone: 1 record\n"


async def test_check_explains_and_fails(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("dns", "check") == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[1].split()[:2] == [STALE.name, "A"]
    assert said.out.rstrip().endswith("nothing runs")
    assert "as they should be: 1 record of a.example (none)" in said.err
    assert "1 difference\n" in said.err
