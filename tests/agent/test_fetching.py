"""Fetching the checkpoint script over a real connection."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agent.clock import Clock
from agent.fetching import LARGEST, Buckets, Unfetched, fetch
from agent.metadata import Metadata
from tests.agent.imds import serving_imds

ROLE = "iam/security-credentials/"
TEXTS = {ROLE: "mine", f"{ROLE}mine": '{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}'}
Answers = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(answer: Answers) -> AsyncGenerator[str]:
    """Serve what answers, and give its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def buckets(answer: Answers, texts: dict[str, str] = TEXTS) -> AsyncGenerator[Buckets]:
    async with serving(answer) as endpoint, serving_imds(texts) as imds:
        yield Buckets(Metadata(imds.url), Clock(), "eu-central-1", endpoint)


async def test_an_object_is_asked_for_as_the_role() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.raw_path == "/scripts/a%20b/save.sh"
        assert request.headers["x-amz-security-token"] == "T"
        assert "Credential=A/" in request.headers["Authorization"]
        return web.Response(body=b"#!/bin/sh\n")

    async with buckets(answer) as where:
        assert await fetch("s3://scripts/a b/save.sh", where) == b"#!/bin/sh\n"


async def test_a_bucket_of_another_region_is_asked_there() -> None:
    async def answer(request: web.Request) -> web.Response:
        if "/us-west-2/s3/" in request.headers["Authorization"]:
            return web.Response(body=b"there")
        return web.Response(status=301, headers={"x-amz-bucket-region": "us-west-2"})

    async with buckets(answer) as where:
        assert await fetch("s3://scripts/save.sh", where) == b"there"


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        pytest.param(404, True, id="missing"),
        pytest.param(403, False, id="denied, as it is to a role that is new"),
        pytest.param(503, False, id="out of order"),
    ],
)
async def test_what_can_not_be_had(status: int, is_final: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with buckets(answer) as where:
        with pytest.raises(Unfetched, match=f"s3://scripts/save.sh: the answer is {status}") as no:
            await fetch("s3://scripts/save.sh", where)
    assert no.value.is_final == is_final


async def test_a_script_has_a_largest_size() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * (LARGEST + 1))

    async with buckets(answer) as where:
        with pytest.raises(Unfetched, match="more than"):
            await fetch("s3://scripts/save.sh", where)


async def test_a_machine_without_a_role_can_read_no_bucket() -> None:
    async def answer(_: web.Request) -> web.Response:
        raise AssertionError("nothing is asked")

    async with buckets(answer, {}) as where:
        with pytest.raises(Unfetched, match="no role") as refused:
            await fetch("s3://scripts/save.sh", where)
    assert refused.value.is_final


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://127.0.0.1:1/save.sh?key=s3cret", id="in the query"),
        pytest.param("https://me:s3cret@127.0.0.1:1/save.sh", id="of the user"),
        pytest.param("https://127.0.0.1:1/save.sh?key=s3cret\x01", id="what no server takes"),
        pytest.param("https://127.0.0.1:none/save.sh?key=s3cret", id="no port"),
        pytest.param("https://[127.0.0.1/save.sh?key=s3cret", id="no host"),
    ],
)
async def test_what_may_be_secret_in_an_address_is_not_said(address: str) -> None:
    where = Buckets(Metadata("http://127.0.0.1:1"), Clock(), "eu-central-1")
    with pytest.raises(Unfetched, match=r"save\.sh") as refused:
        await fetch(address, where)
    assert "s3cret" not in str(refused.value)
    assert not refused.value.is_final
