"""`spawn list`, `status` and `events` on a real bus."""

import asyncio
import json
import sys
from datetime import timedelta

import pytest

from spawn.clock import SystemClock
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher

pytestmark = pytest.mark.door

CLOUD_EVENT = {
    "specversion": "1.0",
    "source": "/spawn/tests/launcher",
    "type": "spawn.array.ready.v1",
    "time": "2026-12-01T12:00:00Z",
    "datacontenttype": "application/json",
}


async def test_list_shows_living_arrays_and_all_of_them_on_request(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "old")
    await spawn("terminate", "old")
    await spawn("launch", "--name", "web", "--count", "2")
    capsys.readouterr()
    assert await spawn("list") == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "STATE", "READY", "SIZE", "REGION", "UNTIL", "ID"]
    assert row.split()[:5] == ["web", "ready", "2", "2", "us-east-1"]
    assert await spawn("list", "--all", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"]: line["state"] for line in lines} == {"old": "terminated", "web": "ready"}


async def test_list_of_nothing_says_so_on_stderr(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("list") == 0
    assert capsys.readouterr() == ("", "no array is alive\n")


async def test_status_json_has_an_entry_for_every_member(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.holds = True
    await spawn("launch", "--name", "web", "--count", "2", "--no-wait")
    capsys.readouterr()
    assert await spawn("status", "web", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    promised = {"array_id", "name", "state", "size", "ready", "region", "members"}
    assert promised <= set(report)
    assert report["members"][1] == {
        "rank": 1,
        "generation": 0,
        "instance_id": None,
        "state": "pending",
        "private_ip": None,
        "market": None,
        "instance_type": None,
        "zone": None,
        "exit_code": None,
        "reason": "",
        "checkpoint": None,
        "checkpoint_reason": "",
        "tail": None,
        "power": None,
        "lease_until": None,
    }


async def test_status_says_for_how_long_the_cloud_has_been_silent(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    launcher.silence = "nothing listens there"
    capsys.readouterr()
    assert await spawn("status", "web") == 0
    out, err = capsys.readouterr()
    assert out.startswith("web (web-")
    assert err.startswith("the cloud in us-east-1 has not answered for ")
    assert err.endswith("this is how things stood then: nothing listens there\n")
    assert await spawn("status", "web", "--json") == 0
    cloud = json.loads(capsys.readouterr().out)["cloud"]
    assert (cloud["answers"], cloud["reason"]) == (False, "nothing listens there")


async def test_status_in_a_pipe_is_aligned_text(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "2")
    capsys.readouterr()
    assert await spawn("status", "web") == 0
    head, state, lease, columns, first, _ = capsys.readouterr().out.splitlines()
    assert head.startswith("web (web-")
    assert head.endswith(" ready")
    assert state == "2 of 2 run in us-east-1, until 2026-12-01 20:00:00 UTC"
    assert lease.startswith("when its lease is over, in ")
    assert columns.split()[:3] == ["RANK", "STATE", "INSTANCE"]
    assert first.split()[:4] == ["0", "running", "i-00000000000000000", "10.0.0.1"]


async def test_status_f_shows_each_change_until_the_end(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    capsys.readouterr()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(spawn("status", "web", "-f", "--json"))
        seen = await _read_until(capsys, '"state":"ready"')
        await spawn("terminate", "web")
        assert await following == 0
    seen += capsys.readouterr().out
    states = [json.loads(line)["state"] for line in seen.splitlines()]
    assert states[0] == "ready"
    assert states[-1] == "terminated"


async def test_an_unknown_name_exits_4_with_the_nearest(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "training")
    assert await spawn("status", "trainig") == 4
    assert "no array is called 'trainig'; there is training" in capsys.readouterr().err


async def test_events_as_json_are_structured_cloud_events(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    capsys.readouterr()
    assert await spawn("events", "web", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == [
        "spawn.array.accepted.v1",
        "spawn.array.launching.v1",
        "spawn.instance.launched.v1",
        "spawn.instance.running.v1",
        "spawn.array.ready.v1",
    ]
    ready = events[-1]
    assert CLOUD_EVENT.items() <= ready.items()
    assert ready["id"].startswith(ready["subject"])
    assert ready["data"]["size"] == 1


async def test_events_of_everybody_are_lines_for_people(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "one")
    await spawn("launch", "--name", "two")
    capsys.readouterr()
    assert await spawn("events") == 0
    out = capsys.readouterr().out
    assert out.count("array.ready  1 of 1 after 1.5 s") == 2


async def test_events_f_goes_on_with_what_happens(
    spawn: Spawn, launcher: FakeLauncher, nats_server: object
) -> None:
    await spawn("launch", "--name", "web")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "events", "web", "-f", "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(20):
            while b"array.ready" not in await process.stdout.readline():
                pass
            await spawn("terminate", "web")
            while b"array.terminated" not in await process.stdout.readline():
                pass
    finally:
        process.terminate()
        await process.wait()


async def test_events_of_an_id_without_a_record_are_what_is_stored(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.taken = "name='web': another has it"
    await spawn("launch", "--name", "web", "--request-id", "r1")
    capsys.readouterr()
    assert await spawn("events", "web") == 4
    assert await spawn("events") == 0
    rejected = capsys.readouterr().out.split()
    assert await spawn("events", rejected[1]) == 0
    assert "array.rejected" in capsys.readouterr().out


async def _read_until(capsys: pytest.CaptureFixture[str], text: str) -> str:
    """Return what a command has written once this is in it."""
    seen = ""
    async with asyncio.timeout(20):
        while text not in seen:
            seen += capsys.readouterr().out
            await SystemClock().sleep(timedelta(milliseconds=20))
    return seen
