"""S3 in one region: a bucket of ours, objects that are written once, and links to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CreateBucketRequestTypeDef

    from spawn.aws.calls import Calls

_NO_CONSTRAINT = "us-east-1"
"""The one region that CreateBucket must not be told
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html)."""

_OURS = "BucketAlreadyOwnedByYou"


class S3:
    """S3 in one region."""

    def __init__(
        self, client: Callable[[], Awaitable[S3Client]], calls: Calls, *, region: str
    ) -> None:
        self._client = client
        self._calls = calls
        self._region = region

    async def ensure_bucket(self, name: str) -> None:
        """Make a private bucket unless it is there. Raises `Conflict` when another account has it.

        Public access is blocked by S3 itself for new buckets.
        """

        async def look() -> object:
            return await (await self._client()).head_bucket(Bucket=name)

        async def make() -> object:
            request: CreateBucketRequestTypeDef = {"Bucket": name}
            if self._region != _NO_CONSTRAINT:
                # The stubs list the regions of their day; any region's name is right.
                constraint = {"LocationConstraint": self._region}
                request["CreateBucketConfiguration"] = constraint  # pyright: ignore[reportGeneralTypeIssues]
            return await (await self._client()).create_bucket(**request)

        try:
            await self._calls.repeat("HeadBucket", look)
        except NotFound:
            try:
                await self._calls.repeat("CreateBucket", make)
            except Conflict as error:
                if error.code != _OURS:
                    raise

    async def put_once(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object whose key says what it holds; one that is there is left alone."""

        async def look() -> object:
            return await (await self._client()).head_object(Bucket=bucket, Key=key)

        async def put() -> object:
            return await (await self._client()).put_object(Bucket=bucket, Key=key, Body=content)

        try:
            await self._calls.repeat("HeadObject", look)
        except NotFound:
            await self._calls.repeat("PutObject", put)

    async def presigned_get(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """Return a URL from which the object can be read without credentials for a while."""
        client = await self._client()
        return await client.generate_presigned_url(
            "get_object",
            Params={"Bucket": bucket, "Key": key},
            ExpiresIn=int(expires.total_seconds()),
        )
