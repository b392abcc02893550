"""Fetching a text from where a launch says it is: S3, as this machine's role, or a page."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urljoin, urlsplit

from agent.clock import Clock
from agent.metadata import Metadata, MetadataError
from agent.signing import Post, sign

LARGEST = 256 * 1024
"""Bytes of a text that is taken (as in `spawn.contracts.checkpoints`)."""

_WITHIN = timedelta(seconds=20)
_MOST_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_MAY_PASS = (403, 408, 429)
"""Answers that may be others a while later: a new role is unknown to S3 for some seconds."""

_EMPTY = hashlib.sha256(b"").hexdigest()


class Unfetched(Exception):  # noqa: N818 - a state
    """A text can't be had; `is_final` when asking again soon would not help."""

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final


@dataclass(frozen=True)
class Answer:
    """What a server has answered; at most one byte more than the largest text is read of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Buckets:
    """How S3 is asked: from where, as whom; no `endpoint`: the region's own."""

    metadata: Metadata
    clock: Clock
    region: str
    endpoint: str = ""


async def fetch(address: str, buckets: Buckets) -> bytes:
    """Return what is at an `s3://` or `https://` address; raises `Unfetched`."""
    if address.startswith("s3://"):
        return await _from_bucket(address, buckets)
    return await asyncio.to_thread(_from_page, address)


async def _from_bucket(address: str, buckets: Buckets) -> bytes:
    answer = await _ask_bucket(address, buckets, buckets.region)
    elsewhere = answer.headers.get("x-amz-bucket-region", "")
    if answer.status != http.client.OK and elsewhere not in ("", buckets.region):
        answer = await _ask_bucket(address, buckets, elsewhere)
    return _body(address, answer)


async def _ask_bucket(address: str, buckets: Buckets, region: str) -> Answer:
    try:
        credentials = await buckets.metadata.credentials()
    except MetadataError as error:
        raise Unfetched(f"{address}: no credentials: {error}") from error
    if credentials is None:
        raise Unfetched(f"{address}: this machine has no role that could read it", is_final=True)
    bucket, _, key = address[len("s3://") :].partition("/")
    host = buckets.endpoint.rstrip("/") or f"https://s3.{region}.{_suffix(region)}"
    url = f"{host}/{bucket}/{quote(key, safe='/-_.~')}"
    request = Post(url, "", {"x-amz-content-sha256": _EMPTY}, region, "s3", method="GET")
    headers = sign(request, credentials, buckets.clock.now())
    return await asyncio.to_thread(_get, url, headers)


def _from_page(address: str) -> bytes:
    url = address
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _get(url, {})
        where = answer.headers.get("location", "")
        if answer.status not in _MOVED or not where:
            return _body(_shown(address), answer)
        url = _next(url, where)
        if not url.startswith("https://"):
            raise Unfetched(f"{_shown(address)}: leads away from https", is_final=True)
    raise Unfetched(f"{_shown(address)}: leads on and on", is_final=True)


def _next(url: str, where: str) -> str:
    try:
        return urljoin(url, where)
    except ValueError as error:
        raise Unfetched(f"{_shown(url)}: leads to no address", is_final=True) from error


def _body(address: str, answer: Answer) -> bytes:
    if answer.status != http.client.OK:
        final = answer.status < http.client.INTERNAL_SERVER_ERROR
        final = final and answer.status not in _MAY_PASS
        raise Unfetched(f"{address}: the answer is {answer.status}", is_final=final)
    if len(answer.body) > LARGEST:
        raise Unfetched(f"{address}: it has more than {LARGEST} bytes", is_final=True)
    return answer.body


def _get(url: str, headers: Mapping[str, str]) -> Answer:
    try:
        return _ask(url, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Others than those of the network may quote the address.
        why = str(error) if isinstance(error, OSError) else ""
        raise Unfetched(f"{_shown(url)}: {why or type(error).__name__}") from error


def _ask(url: str, headers: Mapping[str, str]) -> Answer:
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=_WITHIN.total_seconds())
    path = place.path or "/"
    try:
        connection.request(
            "GET", f"{path}?{place.query}" if place.query else path, headers=dict(headers)
        )
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, said, answer.read(LARGEST + 1))
    finally:
        connection.close()


def _shown(url: str) -> str:
    """Return an address as it may be shown: query and user may be what lets one read it."""
    address = url.partition("?")[0].partition("#")[0]
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
