"""AWS Signature Version 4, as far as requests with a fixed body and no query need it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, urlsplit

from agent.metadata import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Post:
    """A request to sign; `headers` beside host, date and token, with lower-case names.

    The path of its URL is encoded as S3 wants it, once; the other services want none of theirs.
    """

    url: str
    body: str
    headers: Mapping[str, str]
    region: str
    service: str
    method: str = "POST"


def sign(post: Post, credentials: Credentials, now: datetime) -> dict[str, str]:
    """Return all headers of the signed request, each of them covered by the signature."""
    stamp = now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    place = urlsplit(post.url)
    headers = {
        **post.headers,
        "host": place.netloc,
        "x-amz-date": stamp,
        "x-amz-security-token": credentials.token,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    path = place.path or "/"
    path = path if post.service == "s3" else quote(path, safe="/-_.~")
    request = "\n".join((post.method, path, "", lines, names, _sha256(post.body)))
    scope = f"{stamp[:8]}/{post.region}/{post.service}/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, _sha256(request)))
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names},"
        f" Signature={_hmac(key, text).hex()}"
    )
    return headers


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
