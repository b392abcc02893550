"""The instance metadata service, by tokens alone (IMDSv2)."""

from __future__ import annotations

import asyncio
import http.client
import json
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

_WITHIN = timedelta(seconds=5)
_TOKEN_LIFE = timedelta(hours=6)
"""The longest that a token may live
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html)."""


class MetadataError(Exception):
    """The metadata service gives no usable answer."""


@dataclass(frozen=True)
class Instance:
    """What a machine learns of itself."""

    id: str
    ip: str
    region: str


@dataclass(frozen=True)
class Credentials:
    """What the machine's role signs with."""

    key_id: str
    secret: str
    token: str


class Metadata:
    """A client of one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._place = urlsplit(endpoint)
        self._token = ""

    async def instance(self) -> Instance:
        """Return who this machine is; raises `MetadataError`."""
        read = "/latest/meta-data/"
        return Instance(
            id=await self._needed(f"{read}instance-id"),
            ip=await self._needed(f"{read}local-ipv4"),
            region=await self._needed(f"{read}placement/region"),
        )

    async def credentials(self) -> Credentials | None:
        """Return the role's credentials; None for a machine without one."""
        folder = "/latest/meta-data/iam/security-credentials/"
        roles = (await self.read(folder) or "").split()
        if not roles:
            return None
        try:
            found = json.loads(await self._needed(folder + roles[0]))
            return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])
        except (ValueError, KeyError, TypeError) as error:
            raise MetadataError(f"credentials of {roles[0]}: unreadable") from error

    async def read(self, path: str) -> str | None:
        """Return the text at `path`; None where there is none; raises `MetadataError`."""
        return await asyncio.to_thread(self._read, path)

    async def _needed(self, path: str) -> str:
        text = await self.read(path)
        if not text:
            raise MetadataError(f"{path}: there is nothing")
        return text

    def _read(self, path: str) -> str | None:
        status, body = self._get(path)
        if status == http.client.UNAUTHORIZED:
            self._token = ""
            status, body = self._get(path)
        if status == http.client.OK:
            return body
        if status == http.client.NOT_FOUND:
            return None
        raise MetadataError(f"{path}: the metadata service answers {status}")

    def _get(self, path: str) -> tuple[int, str]:
        self._token = self._token or self._new_token()
        return self._call("GET", path, {"X-aws-ec2-metadata-token": self._token})

    def _new_token(self) -> str:
        seconds = {"X-aws-ec2-metadata-token-ttl-seconds": str(int(_TOKEN_LIFE.total_seconds()))}
        status, body = self._call("PUT", "/latest/api/token", seconds)
        if status != http.client.OK:
            raise MetadataError(f"a token: the metadata service answers {status}")
        return body

    def _call(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        host, port = self._place.hostname or "", self._place.port or 80
        connection = http.client.HTTPConnection(host, port, timeout=_WITHIN.total_seconds())
        try:
            connection.request(method, self._place.path + path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            raise MetadataError(f"{self._place.netloc}: {why}") from error
        finally:
            connection.close()
