"""How a machine proves to the bus who it is: a signed GetCallerIdentity that others may send.

The proof names its audience (the deployment) and a nonce, both signed, so that it is of no use
anywhere else or a second time.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from agent.metadata import Credentials
from agent.signing import Post, sign

BODY = "Action=GetCallerIdentity&Version=2011-06-15"
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""


@dataclass(frozen=True)
class Audience:
    """For whom a proof is made, and where it may be checked; no `endpoint`: the region's own."""

    deployment: str
    region: str
    endpoint: str = ""


def prove(audience: Audience, credentials: Credentials, *, nonce: str, now: datetime) -> str:
    """Return the proof: compact JSON in base64url without padding."""
    url = audience.endpoint.rstrip("/") or f"https://{_host(audience.region)}"
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-spawn-audience": audience.deployment,
        "x-spawn-nonce": nonce,
    }
    post = Post(f"{url}/", BODY, headers, audience.region, "sts")
    proof = {"v": 1, "url": post.url, "headers": sign(post, credentials, now), "body": BODY}
    text = json.dumps(proof, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _host(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"sts.{region}.{suffix}"
