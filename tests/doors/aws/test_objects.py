"""S3: a bucket of ours, objects that are written once, and links to them."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from spawn.errors import NotFound
from tests.doors.aws.conftest import REGION, Door
from tests.fakes.aws import FakeS3

pytestmark = pytest.mark.door

ELSEWHERE = "eu-west-1"
WEEK = timedelta(days=7)


def a_bucket() -> str:
    return f"spawn-test-{uuid4().hex}"


async def fetch(door: Door, region: str, bucket: str, key: str) -> tuple[int, bytes]:
    """Read an object by its link, with no credentials at all."""
    s3 = door.aws.s3(region)
    url = await s3.presigned_get(bucket, key, expires=WEEK)
    if isinstance(s3, FakeS3):
        content = s3.buckets.get(bucket, {}).get(key)
        return (404, b"") if content is None else (200, content)
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("region", [REGION, ELSEWHERE])
async def test_an_object_can_be_read_by_its_link(door: Door, region: str) -> None:
    s3, bucket, content = door.aws.s3(region), a_bucket(), bytes(range(256)) * 1000
    await s3.ensure_bucket(bucket)
    await s3.put_once(bucket, "agent/x.pyz", content)
    assert await fetch(door, region, bucket, "agent/x.pyz") == (200, content)


@pytest.mark.parametrize("region", [REGION, ELSEWHERE])
async def test_a_bucket_is_made_once_however_many_want_it(door: Door, region: str) -> None:
    s3, bucket = door.aws.s3(region), a_bucket()
    await asyncio.gather(*(s3.ensure_bucket(bucket) for _ in range(4)))
    await s3.put_once(bucket, "k", b"kept")
    await s3.ensure_bucket(bucket)
    assert await fetch(door, region, bucket, "k") == (200, b"kept")


async def test_an_object_that_is_there_is_left_alone(door: Door) -> None:
    s3, bucket = door.aws.s3(REGION), a_bucket()
    await s3.ensure_bucket(bucket)
    await s3.put_once(bucket, "k", b"first")
    before = door.aws.calls()
    await s3.put_once(bucket, "k", b"second")
    after = door.aws.calls()
    assert after["HeadObject"] == before["HeadObject"] + 1
    assert after["PutObject"] == before["PutObject"]
    assert await fetch(door, REGION, bucket, "k") == (200, b"first")


async def test_nothing_is_put_into_a_bucket_that_there_is_not(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.aws.s3(REGION).put_once(a_bucket(), "k", b"x")


async def test_a_link_to_nothing_can_be_made_and_leads_nowhere(door: Door) -> None:
    bucket = a_bucket()
    await door.aws.s3(REGION).ensure_bucket(bucket)
    status, _ = await fetch(door, REGION, bucket, "none")
    assert status == 404


async def test_a_link_says_how_long_it_holds_and_no_secret(door: Door) -> None:
    bucket = a_bucket()
    url = await door.aws.s3(REGION).presigned_get(bucket, "k", expires=WEEK)
    assert bucket in url
    assert url.startswith(("http://", "https://"))
    assert "X-Amz-Expires=" in url
    assert "X-Amz-Signature=" in url
