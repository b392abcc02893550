"""`spawn extend` and `spawn leases` on a real bus, with the real TTL service on it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cli.exits import Usage
from cli.instants import NewEnd, read_end
from services.ttl.service import SERVICE
from spawn.bus.connection import Bus
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import arrays, members
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, MemberState, member_key
from spawn.contracts.reports import Heartbeat
from tests.builders import PLACEMENT
from tests.cli.builders import make_array, make_member
from tests.cli.conftest import Spawn, until_read
from tests.contracts.nouns import BOOT
from tests.fakes.machine import FakeMachine
from tests.fixtures.hosting import hosted

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ({"when": "+2h"}, NewEnd(add=2 * HOUR)),
        ({"when": "1d12h"}, NewEnd(until=NOON + 36 * HOUR)),
        ({"when": "2w"}, NewEnd(until=NOON + timedelta(weeks=2))),
        ({"until": "18:00"}, NewEnd(until=NOON.replace(hour=18))),
        ({"until": "11:30:15"}, NewEnd(until=datetime(2026, 12, 2, 11, 30, 15, tzinfo=UTC))),
        ({"at": "2028-02-29T00:00Z"}, NewEnd(until=datetime(2028, 2, 29, tzinfo=UTC))),
        ({"at": "2026-12-01T13:00+01:00"}, NewEnd(until=NOON)),
    ],
)
def test_an_end_is_read_as_people_say_it(
    surroundings: pytest.MonkeyPatch, words: dict[str, str], end: NewEnd
) -> None:
    assert read(words) == end


def test_a_time_of_day_is_that_of_the_day_on_which_it_comes(
    surroundings: pytest.MonkeyPatch,
) -> None:
    surroundings.setenv("TZ", "Europe/Berlin")
    time.tzset()
    # The clocks are set back in the night between.
    evening = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    assert read({"until": "18:00"}, evening) == NewEnd(
        until=datetime(2026, 10, 25, 17, 0, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("now", "text", "end"),
    [
        ("2026-03-28T20:00Z", "02:30", "2026-03-29T01:30Z"),
        ("2026-10-24T20:00Z", "02:30", "2026-10-25T00:30Z"),
        ("2026-10-25T00:45Z", "02:30", "2026-10-25T01:30Z"),
        ("2026-10-25T01:30Z", "02:30", "2026-10-26T01:30Z"),
        ("2026-12-31T23:30Z", "00:15", "2027-01-01T23:15Z"),
        ("2028-02-28T20:00Z", "12:00", "2028-02-29T11:00Z"),
    ],
    ids=[
        "left out: an hour later",
        "shown twice: first",
        "then again",
        "then on the next day",
        "after midnight",
        "on a leap day",
    ],
)
def test_a_time_of_day_is_the_next_that_clocks_show(
    surroundings: pytest.MonkeyPatch, now: str, text: str, end: str
) -> None:
    surroundings.setenv("TZ", "Europe/Berlin")
    time.tzset()
    found = read({"until": text}, datetime.fromisoformat(now))
    assert found == NewEnd(until=datetime.fromisoformat(end))


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"when": "+2h", "until": "18:00"},
        {"when": "+"},
        {"when": "soon"},
        {"when": "-2h"},
        {"when": "99999999999999h"},
        {"when": "99999999w"},
        {"when": "+999999999w"},
        {"until": "25:00"},
        {"until": "noon"},
        {"at": "tomorrow"},
        {"at": "2026-12-01T13:00"},
    ],
)
def test_what_says_no_end_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(Usage):
        read(words)


def read(words: dict[str, str], now: datetime = NOON) -> NewEnd:
    given = {"when": "", "until": "", "at": "", **words}
    return read_end(given["when"], until=given["until"], at=given["at"], now=now)


class Living:
    """An array of two that runs, and its machines."""

    def __init__(self, bus: Bus, *, boots: bool) -> None:
        self._bus = bus
        boot = BOOT if boots else None
        self.until = SystemClock().now().replace(microsecond=0) + HOUR
        self.array = make_array(
            size=2,
            state=ArrayState.READY,
            lease=Lease(self.until),
            placement=msgspec.structs.replace(PLACEMENT, boot=boot),
        )

    async def write(self) -> None:
        await Store(self._bus, arrays.BUCKET, Array).create(self.array.id, self.array)
        for rank in range(2):
            member = make_member(rank, MemberState.READY)
            key = member_key(self.array.id, rank)
            member = msgspec.structs.replace(member, array_id=self.array.id)
            await Store(self._bus, members.BUCKET, Member).create(key, member)

    async def arm(self, rank: int, until: datetime) -> None:
        instance = make_member(rank).instance.id
        machine = FakeMachine(self._bus, self.array.id, rank, instance)
        beat = Heartbeat(generation=0, at=NOON, window_seconds=60, armed_lease=until)
        await machine.say("heartbeat", beat)


@pytest.fixture
async def ttl(bus: Bus, on_bus: None) -> AsyncIterator[None]:
    async with hosted(SERVICE):
        yield


@pytest.mark.door
@pytest.mark.usefixtures("ttl")
class TestExtend:
    async def test_it_says_before_and_after_and_who_has_armed_it(
        self, spawn: Spawn, bus: Bus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        living = Living(bus, boots=True)
        await living.write()
        async with asyncio.TaskGroup() as group:
            extending = group.create_task(spawn("extend", "web", "+2h"))
            _, err = await until_read(capsys, "before")
            for rank in range(2):
                await living.arm(rank, living.until + 2 * HOUR)
            assert await extending == 0
        assert f"{living.until + 2 * HOUR:%Y-%m-%d %H:%M:%S} UTC; before: " in err
        assert f"before: {living.until:%Y-%m-%d %H:%M:%S} UTC" in err
        assert "armed by 2 machines" in capsys.readouterr().err

    async def test_machines_that_do_not_arm_it_are_named(
        self, spawn: Spawn, bus: Bus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        living = Living(bus, boots=True)
        await living.write()
        await living.arm(0, living.until + HOUR)
        await living.arm(1, living.until)
        assert await spawn("extend", "web", "+1h") == 1
        said = capsys.readouterr().err
        assert "ranks 1 have not said" in said
        assert make_member(1).instance.id in said
        assert make_member(0).instance.id not in said

    async def test_machines_that_were_given_more_meanwhile_do_not_end_at_the_old_instant(
        self, spawn: Spawn, bus: Bus
    ) -> None:
        living = Living(bus, boots=True)
        await living.write()
        for rank in range(2):
            await living.arm(rank, living.until + 2 * HOUR)
        assert await spawn("extend", "web", "+1h") == 0

    async def test_without_an_agent_nobody_is_waited_for(self, spawn: Spawn, bus: Bus) -> None:
        await Living(bus, boots=False).write()
        assert await spawn("extend", "web", "3h") == 0

    async def test_a_member_gets_an_end_of_its_own(
        self, spawn: Spawn, bus: Bus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        living = Living(bus, boots=True)
        await living.write()
        await living.arm(1, living.until + 2 * HOUR)
        assert await spawn("extend", "web:1", "+2h") == 0
        said = capsys.readouterr().err
        assert f"web:1 ends at {living.until + 2 * HOUR:%Y-%m-%d %H:%M:%S} UTC" in said
        assert "armed by 1 machine" in said
        assert await spawn("leases", "--json") == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(line["name"], line["rank"]) for line in lines] == [("web", None), ("web", 1)]
        await living.arm(0, living.until + HOUR)
        assert await spawn("extend", "web", "+1h") == 0
        assert "ranks 1 keep the ends" in capsys.readouterr().err
        assert await spawn("leases") == 0
        assert "web:1" in capsys.readouterr().out

    @pytest.mark.parametrize(("target", "code"), [("web:0,1", 2), ("web:2", 4), ("web:", 2)])
    async def test_it_takes_one_rank_that_there_is(
        self, spawn: Spawn, bus: Bus, target: str, code: int
    ) -> None:
        await Living(bus, boots=False).write()
        assert await spawn("extend", target, "+1h") == code

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (("--at", "2020-01-01T00:00Z"), "is past"),
            (("+900w",), "SPAWN_MAX_TTL"),
        ],
    )
    async def test_a_refusal_says_why(
        self,
        spawn: Spawn,
        bus: Bus,
        capsys: pytest.CaptureFixture[str],
        words: tuple[str, ...],
        why: str,
    ) -> None:
        await Living(bus, boots=False).write()
        assert await spawn("extend", "web", *words) == 3
        assert why in capsys.readouterr().err


@pytest.mark.door
async def test_leases_are_listed_with_what_is_left(
    spawn: Spawn, bus: Bus, on_bus: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("leases") == 0
    assert "no array is alive" in capsys.readouterr().err
    living = Living(bus, boots=False)
    await living.write()
    assert await spawn("leases", "--json") == 0
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (line["name"], line["action"], line["state"]) == ("web", "terminate", None)
    assert 3500 < line["seconds_left"] <= 3600
    assert await spawn("leases") == 0
    assert "terminate" in capsys.readouterr().out


@pytest.mark.door
async def test_leases_can_be_followed_to_the_last_end(
    spawn: Spawn, bus: Bus, on_bus: None, capsys: pytest.CaptureFixture[str]
) -> None:
    living = Living(bus, boots=False)
    await living.write()
    store = Store(bus, arrays.BUCKET, Array)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        following = group.create_task(spawn("leases", "-f", "--json"))
        out, _ = await until_read(capsys, '"name":"web"')
        entry = await store.get(living.array.id)
        over = msgspec.structs.replace(entry.value, state=ArrayState.TERMINATED)
        await store.update(entry.key, over, entry.revision)
        assert await following == 0
    # What changes with every second is not said again.
    assert len(out.splitlines()) == 1
