"""Leases on machines that run: changed, armed, ended for one member and then for its array."""

import asyncio
import json
from datetime import timedelta

import pytest

from tests.fixtures.control import Plane
from tests.fixtures.jobs import begin, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

NAME = "lapse"
SOON = "6s"
WITHIN = 60.0
LOOK = timedelta(milliseconds=500)


async def test_a_member_and_then_its_array_end_at_their_leases(machines_plane: Plane) -> None:
    plane = machines_plane
    await begin(plane, NAME, "sleep 600", "--ttl", "1h", "--wait-for", "agent", count=2)
    extended = await plane.run("extend", NAME, "+1h")
    assert extended.code == 0, extended.err
    assert "armed by 2 machines" in extended.err
    # By now it may have ended before its machine could say that it had armed it.
    await plane.run("extend", f"{NAME}:1", SOON)
    await until_states(plane, ["ready", "exited"])
    array = await status(plane, NAME)
    assert (array["state"], array["members"][1]["reason"]) == ("ready", "its lease is over")
    await plane.run("extend", NAME, SOON)
    await until_states(plane, ["exited", "exited"])
    ended = await plane.run("wait", NAME, "--for", "terminated")
    assert ended.code == 0, ended.err
    array = await status(plane, NAME)
    assert (array["state"], array["reason"]) == ("terminated", "its lease is over")
    assert await told(plane) == ["lease.expired", "lease.expired"]


async def until_states(plane: Plane, states: list[str]) -> None:
    async with asyncio.timeout(WITHIN):
        while [each["state"] for each in (await status(plane, NAME))["members"]] != states:
            await plane.clock.sleep(LOOK)


async def told(plane: Plane) -> list[str]:
    """Return the ends of leases that were told of, after warnings of both."""
    said = await plane.run("events", NAME, "--json")
    names = [json.loads(line)["type"] for line in said.out.splitlines()]
    assert sum("lease.warned" in name for name in names) >= 2
    return ["lease.expired" for name in names if "lease.expired" in name]
