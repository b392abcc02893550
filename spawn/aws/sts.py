"""The Security Token Service: as whom AWS sees this process, and whose a signature is."""

from __future__ import annotations

import asyncio
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import botocore.session
from botocore.parsers import QueryParser

from spawn.aws.errors import outcome_of
from spawn.aws.shapes import Caller
from spawn.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from types_aiobotocore_sts import STSClient
    from types_aiobotocore_sts.type_defs import GetCallerIdentityResponseTypeDef

    from spawn.aws.calls import Calls
    from spawn.contracts.identities import SignedCall

_API = "GetCallerIdentity"
_LARGEST_ANSWER = 64 * 1024
_WITHIN = aiohttp.ClientTimeout(total=10)


class Sts:
    """The Security Token Service. `endpoint` is the configured one, or empty for AWS's own."""

    def __init__(
        self,
        client: Callable[[], Awaitable[STSClient]],
        calls: Calls,
        *,
        http: aiohttp.ClientSession,
        endpoint: str,
    ) -> None:
        self._client = client
        self._calls = calls
        self._http = http
        self.endpoint = endpoint

    async def caller(self) -> Caller:
        """Return as whom AWS sees this process."""

        async def call() -> GetCallerIdentityResponseTypeDef:
            return await (await self._client()).get_caller_identity()

        found = await self._calls.repeat(_API, call)
        return Caller(account=found["Account"], arn=found["Arn"])

    async def whoami(self, call: SignedCall) -> Caller:
        """Make a call that somebody else has signed; return whose signature it is.

        Where it goes and what it says must have been checked. Raises `Rejected` when STS does
        not accept the signature.
        """

        async def post() -> Caller:
            try:
                return await self._post(call)
            except (aiohttp.ClientError, TimeoutError) as error:
                # The text of some of these holds the request.
                raise Transient(f"{_API}: {type(error).__name__}") from error

        return await self._calls.repeat(_API, post)

    async def _post(self, call: SignedCall) -> Caller:
        sending = self._http.post(
            call.url,
            data=call.body.encode(),
            headers=call.headers,
            # A redirect would carry the proof to a host that nobody has checked.
            allow_redirects=False,
            timeout=_WITHIN,
        )
        async with sending as answer:
            body = await answer.content.read(_LARGEST_ANSWER)
            status = answer.status
        found = await asyncio.to_thread(_parse, body, status)
        if status != HTTPStatus.OK:
            error = found.get("Error", {})
            code, text = error.get("Code", "Unknown"), error.get("Message", "no text")
            raise outcome_of(code, text, status=status, api=_API)
        return Caller(account=found.get("Account", ""), arn=found.get("Arn", ""))


def _parse(body: bytes, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"body": body, "headers": {}, "status_code": status}
    return cast("dict[str, Any]", QueryParser().parse(response, _output()))


@cache
def _output() -> Any:
    session: Any = botocore.session.Session()
    return session.get_service_model("sts").operation_model(_API).output_shape
