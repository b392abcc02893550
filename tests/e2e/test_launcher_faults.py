"""The state folder deleted under running instances, and the control plane started again."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spawn.contracts.leases import format_instant
from tests.fixtures.control import Plane, plane_in
from tests.fixtures.jobs import ec2
from tests.fixtures.sandbox import Admin

pytestmark = [pytest.mark.e2e, pytest.mark.fault, pytest.mark.timeout(300)]

SOON = timedelta(seconds=1)
"""Whether it is over before or after the adoption makes no difference."""


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


async def launch(plane: Plane, name: str, count: int) -> dict[str, Any]:
    result = await plane.run(
        *("launch", "--name", name, "--count", str(count), "--ttl", "8h"),
        *("--instance-type", "t3.micro", "--json"),
    )
    assert result.code == 0, result.err
    return json.loads(result.out)


async def status(plane: Plane, name: str) -> dict[str, Any]:
    result = await plane.run("status", name, "--json")
    return json.loads(result.out) if result.code == 0 else {"state": "unknown", "members": []}


def ids(array: dict[str, Any]) -> dict[int, str]:
    return {member["rank"]: member["instance_id"] for member in array["members"]}


def in_the_cloud(plane: Plane) -> Counter[str]:
    cloud = plane.cloud()
    seen = Admin(cloud.endpoint, cloud.admin_token).state()
    return Counter(seen["regions"][cloud.region]["instances"])


def shorten(cloud: Any, array: dict[str, Any], *, until: str) -> None:
    """Let the tags, all that is left of an array, tell of another lease."""
    cloud.create_tags(
        Resources=list(ids(array).values()), Tags=[{"Key": "spawn:lease", "Value": until}]
    )


async def test_what_runs_is_adopted_and_ends_at_its_lease(plane: Plane) -> None:
    await plane.up()
    long = await launch(plane, "long", 20)
    short = await launch(plane, "short", 3)
    cloud = ec2(plane)
    plane.delete_home()
    soon = format_instant(plane.clock.now() + SOON)
    shorten(cloud, short, until=soon)
    await plane.up()

    async def until(name: str, state: str) -> dict[str, Any]:
        while (seen := await status(plane, name))["state"] != state:
            assert seen["state"] not in {"failed", "rejected"}, seen
        return seen

    found = await until("long", "recovered")
    assert ids(found) == ids(long)
    assert (found["array_id"], found["size"], found["ready"]) == (long["array_id"], 20, 20)
    # A tag tells the second.
    assert found["lease_until"][:19] == long["lease_until"][:19]
    listed = await plane.run("list", "--json", "--all")
    names = {json.loads(line)["name"] for line in listed.out.splitlines()}
    assert names == {"long", "short"}

    over = await until(short["array_id"], "terminated")
    assert ids(over) == ids(short)
    assert over["lease_until"][:19] == soon[:19]
    assert over["reason"] == "its lease is over"
    assert in_the_cloud(plane) == {"running": 20, "terminated": 3}

    assert (await plane.run("terminate", "long", "--yes")).code == 0
    assert in_the_cloud(plane) == {"terminated": 23}
