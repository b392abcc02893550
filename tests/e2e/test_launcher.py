"""Launches as people make them: repeated, at once, under taken names, on another cloud."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import pytest_asyncio

from tests.fixtures.control import Plane, Result, plane_in

pytestmark = pytest.mark.e2e

LAUNCH = ("launch", "--instance-type", "t3.micro", "--json")
LIVING = {"pending", "running"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path_factory.mktemp("launcher") / "home"):
        await plane.up()
        yield plane


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


async def launch(plane: Plane, name: str, *words: str) -> Result:
    return await plane.run(*LAUNCH, "--name", name, "--region", "us-east-1", *words)


async def arrays_named(plane: Plane, name: str) -> list[str]:
    listed = await plane.run("list", "--json", "--all")
    assert listed.code == 0, listed.err
    lines = [json.loads(line) for line in listed.out.splitlines()]
    return [line["array_id"] for line in lines if line["name"] == name]


@pytest.mark.asyncio(loop_scope="module")
async def test_one_request_from_two_terminals_is_one_array(shared: Plane) -> None:
    words = ("--count", "3", "--request-id", "twice")
    async with asyncio.TaskGroup() as group:
        terminals = [group.create_task(launch(shared, "pair", *words)) for _ in range(2)]
    results = [task.result() for task in terminals]
    assert [result.code for result in results] == [0, 0], results
    later = await launch(shared, "pair", *words)
    assert later.code == 0, later.err
    said = [json.loads(result.out) for result in (*results, later)]
    assert len({each["array_id"] for each in said}) == 1
    members = {member["instance_id"] for each in said for member in each["members"]}
    assert len(members) == 3
    assert await arrays_named(shared, "pair") == [said[0]["array_id"]]


@pytest.mark.asyncio(loop_scope="module")
async def test_another_spec_under_the_same_request_is_rejected(shared: Plane) -> None:
    first = await launch(shared, "spec", "--count", "1", "--request-id", "same")
    assert first.code == 0, first.err
    other = await launch(shared, "spec", "--count", "2", "--ttl", "2h", "--request-id", "same")
    assert other.code == 3, other.err
    assert "count" in other.err
    assert "ttl" in other.err
    assert json.loads(first.out)["array_id"] in other.err
    status = json.loads((await shared.run("status", "spec", "--json")).out)
    assert (status["state"], status["size"]) == ("ready", 1)


@pytest.mark.asyncio(loop_scope="module")
async def test_another_name_under_the_same_request_is_rejected(shared: Plane) -> None:
    first = await launch(shared, "first", "--request-id", "named")
    assert first.code == 0, first.err
    other = await launch(shared, "other", "--request-id", "named")
    assert other.code == 3, other.err
    assert "name" in other.err
    assert json.loads(first.out)["array_id"] in other.err
    assert await arrays_named(shared, "other") == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_is_taken_while_its_array_lives(shared: Plane) -> None:
    first = await launch(shared, "taken", "--count", "1")
    assert first.code == 0, first.err
    holder = json.loads(first.out)["array_id"]
    second = await launch(shared, "taken", "--count", "1")
    assert second.code == 3, second.err
    assert holder in second.err
    assert (await shared.run("terminate", "taken", "--yes")).code == 0
    third = await launch(shared, "taken", "--count", "1")
    assert third.code == 0, third.err
    assert json.loads(third.out)["array_id"] != holder


async def test_another_emulated_ec2_will_do(plane: Plane) -> None:
    async with stock_moto() as endpoint:
        env = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        up = await plane.run("up", "--detach", **env)
        assert up.code == 0, up.err
        doctor = await plane.run("doctor", **env)
        assert doctor.code == 0, doctor.out
        assert endpoint.removeprefix("http://") in doctor.out
        launched = await launch(plane, "other", "--count", "3")
        assert launched.code == 0, launched.err
        said = json.loads(launched.out)
        assert (said["state"], said["ready"]) == ("ready", 3)
        assert len({member["instance_id"] for member in said["members"]}) == 3
        ended = await plane.run("terminate", "other", "--yes")
        assert ended.code == 0, ended.err
        status = json.loads((await plane.run("status", said["array_id"], "--json")).out)
        assert {member["state"] for member in status["members"]} == {"exited"}
        assert (await plane.run("down")).code == 0


@asynccontextmanager
async def stock_moto() -> AsyncGenerator[str]:
    """Run moto's own server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "moto_server",
        *("--host", "127.0.0.1", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        await until_it_answers(f"{endpoint}/moto-api/data.json")
        yield endpoint
    finally:
        process.terminate()
        await process.wait()


async def until_it_answers(url: str) -> None:
    def ask() -> bool:
        try:
            with urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except URLError:
            return False

    clock = Plane(Path()).clock
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(ask):
            await clock.sleep(timedelta(milliseconds=50))
