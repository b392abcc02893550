"""`spawn up`, `down` and `doctor` as people use them."""

import json
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.probe import ask
from tests.fixtures.control import Plane, plane_in

pytestmark = pytest.mark.e2e


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


async def test_up_says_what_runs_doctor_finds_it_well_and_down_leaves_nothing(
    plane: Plane,
) -> None:
    up = await plane.run("up", "--sandbox", "--detach")
    assert up.code == 0, up.err
    for said in (plane.state().bus_url, "launcher", str(plane.home.root), "spawn down"):
        assert said in up.err

    doctor = await plane.run("doctor", "--json")
    seen = json.loads(doctor.out)
    assert doctor.code == 0, doctor.out
    assert [service["name"] for service in seen["services"]] == ["launcher"]
    for service in seen["services"]:
        assert service["ready"]
        status, body = ask(service["metrics_url"])
        assert status == 200
        assert b"spawn_" in body
    assert seen["bus"]["reachable"]
    assert seen["sandbox"]["endpoint"] == plane.cloud().endpoint

    down = await plane.run("down")
    assert down.code == 0
    assert not plane.living()
    assert not plane.home.control.exists()
    assert Footprint(plane.home).read() is None
    assert not plane.home.jetstream("sandbox").exists()


async def test_what_is_secret_is_readable_by_its_owner_alone(plane: Plane) -> None:
    await plane.up()
    assert plane.home.root.stat().st_mode & 0o777 == 0o700
    secrets = [plane.home.bus_conf, plane.home.credentials, plane.home.control]
    for file in (*secrets, plane.home.creds("cli"), plane.home.creds("services")):
        assert file.stat().st_mode & 0o777 == 0o600, file
    passwords = json.loads(plane.home.credentials.read_text()).values()
    logs = "".join(log.read_text() for log in plane.home.logs.iterdir())
    assert not any(password in logs for password in passwords)


async def test_another_up_finds_the_first_and_another_mode_is_refused(plane: Plane) -> None:
    before = await plane.up()
    again = await plane.run("up", "--sandbox")
    assert (again.code, "runs already" in again.err) == (0, True)
    for flags in ((), ("--sandbox", "--isolate")):
        other = await plane.run("up", "--detach", *flags)
        assert other.code == 3
        assert f"pid {before.supervisor.pid}" in other.err
        assert "spawn down" in other.err
    assert plane.state() == before


async def test_two_ups_at_once_make_one_control_plane(plane: Plane) -> None:
    first = await plane.start("up", "--sandbox", "--detach", "--isolate")
    second = await plane.start("up", "--sandbox", "--detach", "--isolate")
    said = [(await process.communicate())[1].decode() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    pid = f"(pid {plane.state().supervisor.pid})"
    assert all(pid in text for text in said)
    assert sum("runs already" in text for text in said) == 1
    names = {child.name for child in plane.state().children}
    assert names == {"nats-server", "sandbox", *plane.state().services}


async def test_down_and_doctor_without_a_control_plane_say_so(plane: Plane) -> None:
    down = await plane.run("down")
    assert (down.code, "no control plane" in down.err) == (0, True)
    doctor = await plane.run("doctor")
    assert doctor.code == 5
    assert "spawn up --sandbox" in doctor.out


async def test_sandbox_env_can_be_evaluated_and_names_an_observer(plane: Plane) -> None:
    await plane.up()
    result = await plane.run("sandbox", "env")
    words = [shlex.split(line) for line in result.out.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    values = dict(word[1].split("=", 1) for word in words)
    assert values["AWS_ENDPOINT_URL"] == plane.cloud().endpoint
    assert values["AWS_REGION"] == values["AWS_DEFAULT_REGION"] == "us-east-1"
    assert values["SPAWN_NATS_URL"].startswith("nats://observer:")
    as_json = await plane.run("sandbox", "env", "--json")
    assert json.loads(as_json.out) == values


async def test_the_laptop_cloud_is_steered_and_refuses_what_is_wrong(plane: Plane) -> None:
    await plane.up()
    for words in (
        ("capacity", "5", "--instance-type", "t3.micro"),
        ("fault", "RunInstances", "InsufficientInstanceCapacity", "--times", "2"),
        ("throttle", "RunInstances=5/2,100/2", "off"),
        ("latency", "0.0-0.1", "--api", "RunInstances"),
    ):
        assert (await plane.run("sandbox", *words)).code == 0, words
    seen = json.loads((await plane.run("sandbox", "state", "--json")).out)
    assert not seen["throttling"]
    assert [(fault["code"], fault["status"], fault["count"]) for fault in seen["faults"]] == [
        ("InsufficientInstanceCapacity", 500, 2)
    ]
    wrong = await plane.run("sandbox", "fault", "RunInstances", "--status", "200")
    assert (wrong.code, "status" in wrong.err) == (3, True)
    assert (await plane.run("sandbox", "reset")).code == 0
    assert not json.loads((await plane.run("sandbox", "state", "--json")).out)["faults"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_in_the_foreground_a_signal_ends_everything_cleanly(
    plane: Plane, number: signal.Signals
) -> None:
    process = await plane.start("up", "--sandbox")
    assert process.stderr is not None
    while b"spawn down" not in (line := await process.stderr.readline()):
        assert line, "it ended before it was ready"
    plane.remember()
    process.send_signal(number)
    await process.communicate()
    assert process.returncode == 0
    assert not plane.living()
    assert not plane.home.control.exists()


async def test_what_does_not_start_is_named_with_the_end_of_its_log(plane: Plane) -> None:
    result = await plane.run("up", "--sandbox", "--detach", SPAWN_HTTP_PORT="not-a-port")
    assert result.code == 5
    assert "SPAWN_HTTP_PORT" in result.err
    assert "services.log" in result.err
    assert not plane.living()
    assert not plane.home.control.exists()


async def test_purge_removes_the_state_folder(plane: Plane) -> None:
    await plane.up()
    assert (await plane.run("down", "--purge", "--yes")).code == 0
    assert not plane.home.root.exists()


async def test_purge_leaves_what_is_not_ours(plane: Plane) -> None:
    await plane.up()
    other = plane.home.root / "notes.txt"
    other.write_text("mine")
    assert (await plane.run("down", "--purge", "--yes")).code == 0
    assert [path.name for path in plane.home.root.iterdir()] == ["notes.txt"]
    shutil.rmtree(plane.home.root)
