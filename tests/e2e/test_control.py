"""`spawn up`, `down` and `doctor` as people use them."""

import json
import shlex
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.probe import ask
from tests.fixtures.control import Plane, plane_in

pytestmark = pytest.mark.e2e


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plane]:
    """One that runs, for tests that leave it as it was."""
    async for plane in plane_in(tmp_path_factory.mktemp("shared") / "home"):
        await plane.up()
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
    assert [service["name"] for service in seen["services"]] == [
        "dns",
        "iam_broker",
        "launcher",
        "spot_watcher",
        "ttl",
    ]
    for service in seen["services"]:
        assert service["ready"]
        status, body = ask(service["metrics_url"])
        assert status == 200
        assert b"spawn_" in body
    assert seen["bus"]["reachable"]
    assert seen["sandbox"]["endpoint"] == plane.cloud().endpoint
    asked = {"replicas", "launcher", "iam_broker", "dns", "machines"}
    assert asked <= {finding["check"] for finding in seen["findings"]}

    down = await plane.run("down")
    assert down.code == 0
    assert not plane.living()
    assert not plane.home.control.exists()
    assert Footprint(plane.home).read() is None
    assert not plane.home.jetstream("sandbox").exists()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_secret_is_readable_by_its_owner_alone(shared: Plane) -> None:
    assert shared.home.root.stat().st_mode & 0o777 == 0o700
    secrets = [shared.home.bus_conf, shared.home.credentials, shared.home.control]
    for file in (*secrets, shared.home.creds("cli"), shared.home.creds("services")):
        assert file.stat().st_mode & 0o777 == 0o600, file
    passwords = json.loads(shared.home.credentials.read_text()).values()
    logs = "".join(log.read_text() for log in shared.home.logs.iterdir())
    assert not any(password in logs for password in passwords)


@pytest.mark.asyncio(loop_scope="module")
async def test_another_up_finds_the_first_and_another_mode_is_refused(shared: Plane) -> None:
    before = shared.state()
    again = await shared.run("up", "--sandbox")
    assert (again.code, "runs already" in again.err) == (0, True)
    for flags in ((), ("--sandbox", "--isolate")):
        other = await shared.run("up", "--detach", *flags)
        assert other.code == 3
        assert f"pid {before.supervisor.pid}" in other.err
        assert "spawn down" in other.err
    assert shared.state() == before


async def test_two_ups_at_once_make_one_that_purge_removes(plane: Plane) -> None:
    first = await plane.start("up", "--sandbox", "--detach", "--isolate")
    second = await plane.start("up", "--sandbox", "--detach", "--isolate")
    said = [(await process.communicate())[1].decode() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    pid = f"(pid {plane.state().supervisor.pid})"
    assert all(pid in text for text in said)
    assert sum("runs already" in text for text in said) == 1
    names = {child.name for child in plane.state().children}
    assert names == {"nats-server", "sandbox", *plane.state().services}
    assert (await plane.run("down", "--purge", "--yes")).code == 0
    assert not plane.home.root.exists()


async def test_an_up_during_a_down_is_a_new_one_and_purge_leaves_what_is_not_ours(
    plane: Plane,
) -> None:
    before = await plane.up()
    down = await plane.start("down")
    await plane.until(lambda: plane.is_not(before))
    after = await plane.up()
    await down.communicate()
    assert down.returncode == 0
    assert plane.state() == after
    assert after.supervisor != before.supervisor
    assert plane.living() == {after.supervisor, *(child.process for child in after.children)}
    other = plane.home.root / "notes.txt"
    other.write_text("mine")
    assert (await plane.run("down", "--purge", "--yes")).code == 0
    assert [path.name for path in plane.home.root.iterdir()] == ["notes.txt"]
    plane.delete_home()


async def test_down_and_doctor_without_a_control_plane_say_so(plane: Plane) -> None:
    down = await plane.run("down")
    assert (down.code, "no control plane" in down.err) == (0, True)
    doctor = await plane.run("doctor")
    assert doctor.code == 5
    assert "spawn up --sandbox" in doctor.out


@pytest.mark.asyncio(loop_scope="module")
async def test_sandbox_env_can_be_evaluated_and_names_an_observer(shared: Plane) -> None:
    result = await shared.run("sandbox", "env")
    words = [shlex.split(line) for line in result.out.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    values = dict(word[1].split("=", 1) for word in words)
    assert values["AWS_ENDPOINT_URL"] == shared.cloud().endpoint
    assert values["AWS_REGION"] == values["AWS_DEFAULT_REGION"] == "us-east-1"
    assert values["SPAWN_NATS_URL"].startswith("nats://observer:")
    as_json = await shared.run("sandbox", "env", "--json")
    assert json.loads(as_json.out) == values


@pytest.mark.asyncio(loop_scope="module")
async def test_the_laptop_cloud_is_steered_and_refuses_what_is_wrong(shared: Plane) -> None:
    for words in (
        ("capacity", "5", "--instance-type", "t3.micro"),
        ("fault", "RunInstances", "InsufficientInstanceCapacity", "--times", "2"),
        ("throttle", "RunInstances=5/2,100/2", "off"),
        ("latency", "0.0-0.1", "--api", "RunInstances"),
    ):
        assert (await shared.run("sandbox", *words)).code == 0, words
    seen = json.loads((await shared.run("sandbox", "state", "--json")).out)
    assert not seen["throttling"]
    assert [(fault["code"], fault["status"], fault["count"]) for fault in seen["faults"]] == [
        ("InsufficientInstanceCapacity", 500, 2)
    ]
    wrong = await shared.run("sandbox", "fault", "RunInstances", "--status", "200")
    assert (wrong.code, "status" in wrong.err) == (3, True)
    assert (await shared.run("sandbox", "reset")).code == 0
    assert not json.loads((await shared.run("sandbox", "state", "--json")).out)["faults"]


async def test_down_ends_one_that_runs_in_the_foreground_elsewhere(plane: Plane) -> None:
    process = await plane.up_in_the_foreground()
    assert (await plane.run("down")).code == 0
    _, said = await process.communicate()
    assert process.returncode == 0
    assert said.decode().endswith("the control plane has ended\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_in_the_foreground_a_signal_ends_everything_cleanly(
    plane: Plane, number: signal.Signals
) -> None:
    process = await plane.up_in_the_foreground()
    process.send_signal(number)
    await process.communicate()
    assert process.returncode == 0
    assert not plane.living()
    assert not plane.home.control.exists()


async def test_a_wrong_setting_is_refused_in_one_line(plane: Plane) -> None:
    # One that is only looked at when a service is opened.
    result = await plane.run("up", "--sandbox", "--detach", SPAWN_AWS_BUCKETS="many")
    assert result.code == 3
    assert result.err.splitlines()[-1].startswith("spawn: SPAWN_AWS_BUCKETS: 'many'")
    assert result.err.count("SPAWN_AWS_BUCKETS") == 1
    assert not plane.living()
    assert not plane.home.control.exists()
