"""`spawn iam` on a real bus, with a broker behind it."""

import json
from collections.abc import AsyncIterator

import pytest

from spawn.bus.connection import Bus
from tests.cli.conftest import Spawn
from tests.fakes.cli_broker import GRANT, FakeBroker

pytestmark = pytest.mark.door

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def broker(bus: Bus, on_bus: None) -> AsyncIterator[FakeBroker]:
    async with FakeBroker(bus).running() as running:
        yield running


async def test_show_asks_the_broker_what_it_would_grant(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    assert await spawn("iam", "show", "s3:ReadOnly") == 0
    assert f"role: {GRANT.role}, never beyond the boundary arn:aws" in capsys.readouterr().err
    assert [(each.policies, each.region) for each in broker.described] == [
        (("s3:ReadOnly",), "us-east-1")
    ]


async def test_show_says_what_the_broker_refuses(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    broker.refuses = "policies='s3:FullAccess': above the ceiling"
    assert await spawn("iam", "show", "s3:FullAccess") == 3
    assert "SPEC 's3:FullAccess': above the ceiling" in capsys.readouterr().err


async def test_show_for_an_account_asks_nobody(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    assert await spawn("iam", "show", "sqs:ReadOnly:x", "--account", "111122223333") == 0
    assert "arn:aws:sqs:us-east-1:111122223333:x" in capsys.readouterr().out
    assert broker.described == []


async def test_list_shows_roles_and_what_they_allow(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    assert await spawn("iam", "list") == 0
    assert capsys.readouterr() == ("", "no role was made yet\n")
    await broker.grants.create(GRANT.hash, GRANT)
    assert await spawn("iam", "list") == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["ROLE", "USED", "ALLOWS"]
    assert row.startswith(GRANT.role)
    assert row.endswith(GRANT.statements[0])
    assert await spawn("iam", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["hash"] == GRANT.hash


async def test_gc_says_first_and_deletes_then(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    assert await spawn("iam", "gc", "--now", "--yes") == 0
    said = capsys.readouterr()
    assert [row.split()[:2] for row in said.out.splitlines()[1:]] == [
        [GRANT.role, "delete"],
        ["spawn-aaaa", "keep"],
    ]
    assert said.err == "1 deleted\n"
    assert [(each.now, each.dry_run) for each in broker.collected] == [(True, True), (True, False)]


async def test_gc_only_says_with_dry_run_or_where_nothing_is_unused(
    spawn: Spawn, broker: FakeBroker, capsys: Captured
) -> None:
    assert await spawn("iam", "gc", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["acted"] is False
    broker.unused = ()
    assert await spawn("iam", "gc", "--yes") == 0
    assert [each.dry_run for each in broker.collected] == [True, True]
