"""What is left of a control plane after something was killed or deleted, and its recovery."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from spawn.runtime.files import write_private
from spawn.runtime.home import ControlState
from spawn.runtime.processes import ProcessRef, is_alive
from tests.fixtures.control import Plane, plane_in

pytestmark = [pytest.mark.e2e, pytest.mark.fault]


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


async def test_a_killed_child_is_started_again_where_it_was(plane: Plane) -> None:
    before = await plane.up()

    bus = plane.child("nats-server")
    plane.kill(bus.process)
    bus = await plane.restarted(bus)
    assert (bus.restarts, bus.last_exit) == (1, "SIGKILL")
    assert plane.state().bus_url == before.bus_url

    host = plane.child("services")
    replica = replica_of(host.process)
    plane.kill(host.process)
    host = await plane.restarted(host)
    assert replica_of(host.process) == replica

    assert plane.state().supervisor == before.supervisor
    await plane.until_well()


async def test_a_killed_cloud_comes_back_and_the_services_get_its_new_keys(plane: Plane) -> None:
    before = await plane.up()
    cloud, host = plane.child("sandbox"), plane.child("services")
    plane.kill(cloud.process)
    await plane.restarted(cloud)
    host = await plane.restarted(host)
    after = plane.state()
    assert before.sandbox is not None
    assert after.sandbox is not None
    assert after.sandbox.endpoint == before.sandbox.endpoint
    assert after.sandbox.access_key_id != before.sandbox.access_key_id
    key = environment_of(host.process)["AWS_ACCESS_KEY_ID"]
    assert key == after.sandbox.access_key_id
    await plane.until_well()


async def test_a_killed_supervisor_takes_all_but_the_cloud_along(plane: Plane) -> None:
    before = await plane.up()
    cloud = plane.child("sandbox")
    await two_instances(plane)
    await kill_supervisor(plane, before)

    doctor = await plane.run("doctor")
    assert (doctor.code, f"pid {cloud.process.pid}" in doctor.out) == (5, True)
    on_aws = await plane.run("up", "--detach")
    assert (on_aws.code, "spawn up --sandbox" in on_aws.err) == (3, True)

    after = await plane.up()
    assert plane.child("sandbox").process == cloud.process
    assert after.sandbox == before.sandbox
    assert await running(plane) == 2
    listed = await plane.run("list", "--json")
    assert json.loads(listed.out)["name"] == "pair"

    await kill_supervisor(plane, after)
    down = await plane.run("down")
    assert (down.code, "sandbox" in down.err) == (0, True)
    assert not is_alive(cloud.process)


async def kill_supervisor(plane: Plane, state: ControlState) -> None:
    """Kill it, and wait until the laptop cloud is all that is left."""
    cloud = plane.child("sandbox")
    plane.kill(state.supervisor)
    await plane.until(lambda: plane.living() == {cloud.process})


async def test_a_deleted_state_folder_is_made_anew_and_everything_found(plane: Plane) -> None:
    before = await plane.up()
    cloud = plane.child("sandbox")
    await two_instances(plane)
    plane.delete_home()

    after = await plane.up()
    assert plane.living() == {after.supervisor, *(child.process for child in after.children)}
    assert after.supervisor != before.supervisor
    assert after.deployment == before.deployment
    assert plane.child("sandbox").process == cloud.process
    assert await running(plane) == 2

    plane.delete_home()
    down = await plane.run("down")
    assert (down.code, "ended:" in down.err) == (0, True)
    assert not plane.living()
    assert not plane.home.control.exists()


async def test_a_supervisor_without_a_state_folder_starts_nothing_and_leaves_the_cloud(
    plane: Plane,
) -> None:
    await plane.up()
    cloud, host = plane.child("sandbox"), plane.child("services")
    plane.delete_home()
    plane.kill(host.process)
    await plane.until(lambda: plane.living() == {cloud.process})
    await plane.up()
    assert plane.child("sandbox").process == cloud.process


async def test_a_state_that_names_a_pid_of_somebody_else_is_stale(plane: Plane) -> None:
    state = await plane.up()
    assert (await plane.run("down")).code == 0
    write_private(plane.home.control, msgspec.json.encode(as_if_rebooted(state)))
    assert (await plane.run("doctor")).code == 5
    down = await plane.run("down")
    assert (down.code, "no control plane" in down.err) == (0, True)
    write_private(plane.home.control, msgspec.json.encode(as_if_rebooted(state)))
    await plane.up()


async def test_a_killed_command_in_the_foreground_takes_the_control_plane_along(
    plane: Plane,
) -> None:
    process = await plane.up_in_the_foreground()
    process.kill()
    await process.communicate()
    await plane.until(lambda: not plane.living())
    assert not plane.home.control.exists()


def as_if_rebooted(state: ControlState) -> ControlState:
    """Let every pid of the state be that of this test, which was started at another time."""
    other = ProcessRef(pid=os.getpid(), started="a boot before")
    children = tuple(msgspec.structs.replace(child, process=other) for child in state.children)
    return msgspec.structs.replace(state, supervisor=other, children=children)


def environment_of(process: ProcessRef) -> dict[str, str]:
    raw = Path(f"/proc/{process.pid}/environ").read_bytes().decode()
    return dict(pair.split("=", 1) for pair in raw.split("\0") if pair)


def replica_of(process: ProcessRef) -> str:
    return environment_of(process)["SPAWN_REPLICA"]


async def two_instances(plane: Plane) -> None:
    words = ("--name", "pair", "--count", "2", "--instance-type", "t3.micro", "--ttl", "1h")
    launched = await plane.run("launch", *words)
    assert launched.code == 0, launched.err


async def running(plane: Plane) -> int:
    seen = json.loads((await plane.run("sandbox", "state", "--json")).out)
    return sum(region["instances"].get("running", 0) for region in seen["regions"].values())
